"""Reads corpus/*.txt and draws training conversations from it.

    @ intent                 a new intent; `@ intent < a b` is a follow-up that only makes sense after intent a or b
    = answer                 its one answer
    how: verb phrase | ...   fills HOW templates ("how do I {}?")       what: noun phrase | ...   fills WHAT templates
    - question               a wording to train on                      ! question   a wording kept out for the test
    + intent                 more lines for an intent of an earlier file
{slots} in questions are filled by slots.py, differently every time.
"""
import random
from pathlib import Path

from augment import dress, noise
from slots import FILLER, SYSTEM, fill

HOW = """how do I {}? | how do i {} | how can I {}? | how to {} | how to {}? | how would I {}? | how does one {}? | {}
what is the command to {}? | which command do I use to {}? | I want to {} | I need to {} | i'd like to {} | show me how to {}
can you tell me how to {}? | can you explain how to {}? | what do I type to {}? | is there a way to {}? | steps to {}
help me {} | please help me {} | we want to {}, how? | how do we {}? | explain how to {} | what should I do to {}?
tell me how to {} | what's the way to {}? | I have to {} | need to {} | trying to {} | how should I {}?"""
WHAT = """what is {}? | what is {} | what's {}? | whats {} | tell me about {} | explain {} | can you explain {}? | {}? | {}
define {} | what does {} mean? | what do you mean by {}? | what exactly is {}? | I don't understand {} | describe {}
what does Sluice mean by {}? | meaning of {} | info on {} | could you tell me what {} is? | help me understand {}
please explain {} | I'd like to know what {} is | tell me more about {} | what can you tell me about {}? | so what is {}?
what is {} in Sluice? | give me an overview of {} | I read about {}, what is that? | about {}"""


def templates(text):
    return [t.strip() for line in text.splitlines() for t in line.split(" | ")]


HOW, WHAT = templates(HOW), templates(WHAT)


class Intent:
    def __init__(self, name, after):
        self.name, self.after, self.answer = name, after, ""
        self.train, self.test, self.how, self.what = [], [], [], []

    def question(self, rng):
        phrased = [(HOW, self.how), (WHAT, self.what)]
        phrased = [p for p in phrased if p[1]]
        if phrased and (not self.train or rng.random() < 0.4):
            forms, phrases = rng.choice(phrased)
            return rng.choice(forms).format(rng.choice(phrases))
        return fill(rng.choice(self.train), rng)


def load(folder=Path(__file__).parent / "corpus"):
    intents = {}
    for path in sorted(Path(folder).glob("*.txt")):
        for line in path.read_text().splitlines():
            mark, rest = line[:2], line[2:].strip()
            if mark == "@ ":
                name, _, after = (p.strip() for p in rest.partition("<"))
                assert name not in intents, name
                intent = intents[name] = Intent(name, after.split())
            elif mark == "+ ":
                intent = intents[rest]
            elif mark == "= ":
                intent.answer = rest
            elif mark == "- ":
                intent.train.append(rest)
            elif mark == "! ":
                intent.test.append(rest)
            elif line.startswith(("how:", "what:")):
                key, _, rest = line.partition(":")
                getattr(intent, key).extend(p.strip() for p in rest.split("|"))
            elif line.strip() and not line.startswith("#"):
                raise ValueError(f"{path.name}: {line}")
    for i in intents.values():
        assert i.answer and (i.train or i.how or i.what), i.name
        assert all(a in intents for a in i.after), i.name
        assert not set(i.train) & set(i.test), i.name
    return intents


def plain_texts(intents):
    """What the tokenizer learns from: answers often, questions once, templates and filler a little."""
    texts = []
    for i in intents.values():
        texts += [i.answer] * 3 + i.train + [q.lower() for q in i.train]
        texts += [t.format(p) for forms, ps in ((HOW[:6], i.how), (WHAT[:6], i.what)) for p in ps for t in forms]
    return texts + FILLER + SYSTEM + ["system\n", "user\n", "assistant\n"] * 50


class Conversations:
    """Draws conversations: a list of (role, text) ending in an answer. Every intent comes up once a round."""

    def __init__(self, intents, rng):
        self.intents, self.rng, self.round = intents, rng, []
        self.first = [i for i in intents.values() if not i.after]

    def _next(self):
        if not self.round:
            for i in self.intents.values():
                forms = len(i.train) + 4 * (len(i.how) + len(i.what))
                self.round += [i] * (1 + (forms > 12) + (forms > 24) + 2 * (forms > 50))
            self.rng.shuffle(self.round)
        return self.round.pop()

    def _turn(self, intent, long=0):
        question = dress(noise(intent.question(self.rng), self.rng), self.rng, long)
        return [("user", question), ("assistant", intent.answer)]

    def draw(self, long=0):
        rng, turns, intent = self.rng, [], self._next()
        if rng.random() < 0.55:
            system = [rng.choice(SYSTEM)]
            if rng.random() < 0.2:
                system += rng.choices(FILLER, k=rng.randint(1, 6))
            turns = [("system", " ".join(system))]
        for _ in range(rng.choice((0, 0, 0, 0, 0, 1, 1, 2))):
            turns += self._turn(rng.choice(self.first))
        if intent.after:
            turns += self._turn(self.intents[rng.choice(intent.after)])
        return turns + self._turn(intent, long)
