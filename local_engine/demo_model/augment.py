"""Makes questions look like what people type: casing, missing marks, small typos, greetings, text before the question."""
from slots import FILLER

OPEN = ["hi, ", "hello, ", "hey, ", "hey ", "please, ", "quick question: ", "one question: ", "so ", "ok, ", "okay so ", "and ",
        "sorry, ", "question: ", "Hello! ", "Hi there. ", "Good morning. ", "I have a question. ", "just wondering, ", "Sluice: "]
CLOSE = [" please", " thanks", ", please", " thank you", " in sluice", " with Sluice", " here", " exactly", " again", " for me", "!", " ??", " :)"]
SAME = """budget|cap|spending limit|limit ; key|api key|access key ; team|group|department ; request|prompt|message|query|call ; answer|reply|response
cost|charge|price|expense ; costs|charges|expenses ; see|view|look at|display|show ; show|list|display|print ; create|make|add|generate|set up ; delete|remove|revoke|drop|get rid of
sensitive|private|secret ; crash|failure|breakdown|power cut ; down|broken|unavailable|offline ; image|picture|photo ; docs|documentation|manual|guide ; start|run|launch
works|functions ; work|function|operate ; picks|chooses|selects ; pick|choose|select ; chosen|picked|selected ; decide|determine ; detect|find|recognise|spot|discover ; detected|found|recognised
supported|available|possible ; support|offer|allow|have ; need|require|want ; use|take|apply ; cloud|provider|outside ; locally|on this machine|here ; local|on-premise ; big|large|great
quick|fast ; slow|sluggish ; safe|secure|protected ; lost|gone|missing ; happens|occurs|goes on ; money|dollars|funds ; spend|pay|use up ; spent|used|paid ; used up|exhausted|empty|gone|spent
stored|saved|kept|written ; store|save|keep ; logs|log files|log ; load|use|run ; model|ai model|llm ; machine|computer|server|host ; explain|describe|clarify ; tell me|let me know|say ; which|what
different|another|other ; bigger|larger|better ; download|fetch|get ; mean|stand for ; contain|hold|include ; contains|includes|has ; error|problem|fault ; fails|breaks|dies ; config|configuration|settings
please|kindly ; people|users|folks ; user|client|caller ; command|cli command ; sent|transmitted|passed ; send|pass|forward ; data|information|text ; text|content ; exceeded|passed|broken ; prevent|stop|avoid"""
SAME = [group.strip().split("|") for line in SAME.splitlines() for group in line.split(" ; ")]
SYNONYMS = {word: [w for w in group if w != word] for group in SAME for word in group}
OPENINGS = [
    ["how do I", "how can I", "how would I", "how could we", "how does one", "what is the way to", "is there a way to", "what do I do to", "is it possible to"],
    ["what happens when", "what happens if", "what if", "what would happen if", "what does Sluice do if", "and if", "what is done when"],
    ["does Sluice", "can Sluice", "will Sluice", "is Sluice able to", "does it", "can it"],
    ["can I", "could I", "may I", "is it possible to", "am I able to", "are we able to", "can we", "is there a way to"],
    ["what is", "what's", "what exactly is", "whats", "can you explain", "tell me about", "so what is"],
    ["which", "what", "what sort of", "what kind of"], ["why is", "how come", "for what reason is", "why"],
    ["where do I see", "where can I find", "where can I look at", "how do I see", "show me"],
]
PLAIN = set("a an the is are was were do does did to of in on at it its for and or be i my me we you your our can could how what which when who why that this if with s t by from there has have".split())


def vary(text, rng):
    """Another opening, other words of like meaning, a few words left out, or keywords only."""
    if rng.random() < 0.4:
        for group in OPENINGS:
            old = next((o for o in group if text.lower().startswith(o.lower() + " ")), None)
            if old:
                text = rng.choice(group) + text[len(old) :]
                break
    words = text.split(" ")
    if rng.random() < 0.5:
        for k, word in enumerate(words):
            bare = word.rstrip("?.!,").lower()
            if bare in SYNONYMS and rng.random() < 0.35:
                words[k] = rng.choice(SYNONYMS[bare]) + word[len(bare) :]
    content = [w for w in words if w.rstrip("?.!,").lower() not in PLAIN]
    style = rng.random()
    if style < 0.1 and len(content) > 1:
        words = content
        if rng.random() < 0.4:
            rng.shuffle(words)
    elif style < 0.3 and len(words) > 4:
        words = [w for w in words if w in content or rng.random() < 0.6]
    elif style < 0.4 and len(words) > 5:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def typo(word, rng):
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(1, len(word) - 1)
    return rng.choice((word[:i] + word[i + 1] + word[i] + word[i + 2 :], word[:i] + word[i + 1 :], word[:i] + word[i] + word[i:]))


def noise(text, rng):
    if "\n" in text or rng.random() < 0.15:
        return text
    if not any(c.isdigit() for c in text) and "CONF" not in text.upper() and text.count(" ") > 1:
        text = vary(text, rng)
    if rng.random() < 0.12:
        words = text.split(" ")
        k = rng.randrange(len(words))
        words[k] = typo(words[k], rng)
        text = " ".join(words)
    style = rng.random()
    if style < 0.35:
        text = text.lower()
    elif style < 0.38:
        text = text.upper()
    elif style < 0.6:
        text = text[0].upper() + text[1:]
    ending = rng.random()
    if ending < 0.3:
        text = text.rstrip("?.!")
    elif ending < 0.4 and text[-1] not in "?.!":
        text += "?"
    return text


def dress(text, rng, long=0):
    """An opening, a closing word, sometimes other sentences first; `long` asks for that many filler sentences."""
    if rng.random() < 0.12:
        opening = rng.choice(OPEN)
        text = opening + (text[0].lower() + text[1:] if text[:2] != "I " and opening[-2] in ",: " else text)
    if rng.random() < 0.08:
        text = text.rstrip("?.!") + rng.choice(CLOSE) + rng.choice(("", "?"))
    if long or rng.random() < 0.08:
        before = rng.choices(FILLER, k=long or rng.randint(1, 3))
        text = " ".join(before) + rng.choice((" ", "\n", "\n\n")) + text
    return text
