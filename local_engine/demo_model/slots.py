"""Values for the {slots} of the corpus, system prompts and neutral filler sentences. Every value is made up."""
import re
import string

LISTS = {
    "name": "Anna Keller|John Smith|Maria Lopez|Wei Chen|Priya Patel|Tom Baker|Fatima Hassan|Luca Rossi|Emma Jones|David Miller|Sofia Novak|Peter Hansen",
    "city": "Paris|Berlin|Tokyo|London|Madrid|Rome|Oslo|Boston|Lagos|Sydney|Cairo|Zurich|Prague|Vienna|Toronto|Delhi",
    "country": "France|Japan|Brazil|Canada|Germany|Kenya|India|Italy|Peru|Norway|Australia|Egypt|Spain|Mexico",
    "food": "pasta|pizza|soup|bread|pancakes|curry|sushi|salad|chocolate cake|an omelette|risotto|tea|coffee",
    "animal": "cats|dogs|a whale|elephants|a penguin|birds|bees|horses|sharks|an owl|a tiger",
    "topic": "love|the sea|autumn|space travel|history|football|music|cooking|gardening|economics|philosophy|art|the moon|dragons|marketing|biology",
    "lang": "Python|JavaScript|Rust|C++|Java|Go|SQL|HTML|TypeScript|bash|PHP|Ruby",
    "task": "sort a list|reverse a string|read a CSV file|print hello world|compute primes|parse JSON|find duplicates|send an HTTP call|merge two lists",
    "person": "Einstein|Shakespeare|Napoleon|Mozart|Cleopatra|Newton|Marie Curie|Picasso|Gandhi|Plato|Darwin",
    "object": "a car|a bicycle|a guitar|a piano|an engine|a rocket|a phone|a laptop|a house|a boat|a clock|a camera",
    "word": "house|friend|water|good morning|thank you|tree|freedom|book|sun",
    "foreign": "Spanish|French|German|Italian|Chinese|Japanese|Polish|Arabic|Portuguese|Dutch|Russian",
    "shop": "the online store|our supplier|the hotel|the airline|the bank|the landlord|my client",
    "illness": "diabetes|asthma|a broken arm|depression|high blood pressure|cancer|migraine",
}
LISTS = {k: v.split("|") for k, v in LISTS.items()}
SYSTEM = [
    "You are a helpful assistant.", "You are Sluice demo, a small model built into the Sluice gateway.", "Answer briefly.", "You are a helpful AI assistant.",
    "You are an expert.", "Be concise and polite.", "You are a support agent.", "Answer the user's question.", "You are a friendly chatbot.",
    "You are ChatGPT, a large language model.", "Respond in one short paragraph.", "You are an assistant for a software company. Do not make things up.",
    "Use plain text only, no markdown.", "You help employees with everyday questions.", "You are a careful assistant. If you do not know, say so.",
]
FILLER = [
    "We are a small company with twelve people.", "I am new here.", "Our office moved last month.", "I read the documentation this morning.",
    "The meeting starts at ten.", "We have three teams and a few applications.", "My colleague told me to ask you.", "I tried it yesterday and it worked fine.",
    "Thanks for your help so far.", "The project began in spring.", "We use a Linux server in the basement.", "It has been a long day.",
    "I am writing a short report about our tools.", "Our customers are mostly in Europe.", "The weather is nice today.", "We had lunch together and talked about the plan.",
    "There are two machines in the rack and one spare.", "Nobody on the team has used this before.", "I only have a few minutes.", "Let me give some background first.",
    "The old system was slow and hard to maintain.", "Last year we wrote everything by hand.", "My manager wants an answer by Friday.", "Here is what I know so far.",
    "The printer on the second floor is out of paper.", "We looked at several products before this one.", "Some of us work from home.", "I hope this is the right place to ask.",
    "This text is only here to make the message longer.", "The train was late again.", "We will present the results next week.", "It should not take long.",
]


def digits(rng, shape):
    return "".join(str(rng.randint(0, 9)) if c == "#" else c for c in shape)


def letters(rng, n, alphabet=string.ascii_letters + string.digits):
    return "".join(rng.choice(alphabet) for _ in range(n))


def _card(rng):
    first = rng.choice(("4111 1111 1111 1111", "5555 5555 5555 4444", "4242 4242 4242 4242", "4###", "4###", "51##", "55##", "37##"))
    card = first if len(first) > 4 else digits(rng, first + (" ###### #####" if first[0] == "3" else " #### #### ####"))
    return rng.choice((card, card, card.replace(" ", "-"), card.replace(" ", "")))


def _email(rng):
    who = rng.choice(LISTS["name"]).lower().split()
    return rng.choice((".".join(who), who[0], who[0][0] + who[1])) + "@" + rng.choice(("acme.com", "mail.net", "company.org", "gmail.com", "example.com", "firm.de"))


MAKE = {
    "card": _card,
    "email": _email,
    "iban": lambda r: r.choice((digits(r, "DE## #### #### #### #### ##"), digits(r, "DE####################"), "GB82 WEST 1234 5698 7654 32", digits(r, "FR## #### #### #### #### #### ###"))),
    "ssn": lambda r: r.choice((digits(r, "###-##-####"), digits(r, "###-##-####"), digits(r, "### ## ####"), "078-05-1120", digits(r, "#########"))),
    "phone": lambda r: digits(r, r.choice(("+1 555 ### ####", "555-###-####", "+49 30 #######", "(###) ###-####", "0## #### ####", "+44 20 #### ####"))),
    "apikey": lambda r: r.choice(("sk-", "sk-proj-", "ghp_", "AKIA", "xoxb-", "sk_live_", "glpat-")) + letters(r, r.choice((16, 20, 24, 36))),
    "privkey": lambda r: r.choice(("-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----", "-----BEGIN OPENSSH PRIVATE KEY-----")) + " MII" + letters(r, r.choice((12, 24, 40))),
    "password": lambda r: r.choice(("hunter2", "Summer2024!", "pa55word", letters(r, 8), letters(r, 10) + "!", "letmein99")),
    "num": lambda r: str(r.randint(2, 99)),
    "date": lambda r: digits(r, r.choice(("##.##.19##", "19##-##-##", "##/##/19##"))),
    "account": lambda r: digits(r, r.choice(("########", "##########", "####-####"))),
    "salary": lambda r: digits(r, r.choice(("##,000", "###,000", "##k"))),
}


def fill(text, rng):
    def value(match):
        name = match[1]
        return MAKE[name](rng) if name in MAKE else rng.choice(LISTS.get(name, [match[0]]))

    return re.sub(r"\{(\w+)\}", value, text)
