"""Makes questions look like what people type: casing, missing marks, small typos, greetings, text before the question."""
from slots import FILLER

OPEN = ["hi, ", "hello, ", "hey, ", "hey ", "please, ", "quick question: ", "one question: ", "so ", "ok, ", "okay so ", "and ",
        "sorry, ", "question: ", "Hello! ", "Hi there. ", "Good morning. ", "I have a question. ", "just wondering, ", "Sluice: "]
CLOSE = [" please", " thanks", ", please", " thank you", " in sluice", " with Sluice", " here", " exactly", " again", " for me", "!", " ??", " :)"]
SWAPS = {"what is": "what's", "what's": "what is", "do not": "don't", "does not": "doesn't", "cannot": "can't", "I am": "I'm", "how do I": "how do you",
         "you": "u", "please": "pls", "is it": "is this", "can I": "could I", "can you": "could you", "tell me": "show me", "explain": "describe",
         "request": "prompt", "prompt": "request", "team": "group", "set": "configure", "create": "make", "happens to": "becomes of"}


def typo(word, rng):
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(1, len(word) - 1)
    return rng.choice((word[:i] + word[i + 1] + word[i] + word[i + 2 :], word[:i] + word[i + 1 :], word[:i] + word[i] + word[i:]))


def noise(text, rng):
    if "\n" in text or rng.random() < 0.25:
        return text
    if rng.random() < 0.15:
        old = rng.choice([k for k in SWAPS if k in text] or [""])
        if old:
            text = text.replace(old, SWAPS[old], 1)
    if rng.random() < 0.12:
        words = text.split(" ")
        k = rng.randrange(len(words))
        words[k] = typo(words[k], rng)
        text = " ".join(words)
    if rng.random() < 0.05 and text.count(" ") > 4:
        words = text.split(" ")
        del words[rng.randrange(len(words))]
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
