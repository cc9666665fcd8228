"""Byte-level BPE for the demo model: GPT-2 byte alphabet, pre-tokenizer `qwen2`, ChatML control tokens.

All 256 bytes are tokens, so any input encodes. `train` learns merges from the corpus; the encoder merges the pair
of lowest rank first, as every engine that reads `tokenizer.ggml.merges` does.
"""
import random
import unicodedata
from collections import Counter

CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _byte_alphabet():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {b: chr(b) for b in printable}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTE_TO_CHAR = _byte_alphabet()
CHAR_TO_BYTE = {c: b for b, c in BYTE_TO_CHAR.items()}
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def _kind(c):
    if c.isspace():
        return "s"
    return {"L": "L", "N": "N"}.get(unicodedata.category(c)[0], "o")


def split_qwen2(text):
    """The qwen2 pre-tokenizer: contraction | ?letters | one number | ?others newlines | white space."""
    pieces, i, n = [], 0, len(text)
    kinds = [_kind(c) for c in text]
    while i < n:
        j = _match(text, kinds, i, n)
        pieces.append(text[i:j])
        i = j
    return pieces


def _match(text, kinds, i, n):
    low = text[i : i + 3].lower()
    for c in CONTRACTIONS:
        if low.startswith(c):
            return i + len(c)
    j = i
    if kinds[i] != "L" and kinds[i] != "N" and text[i] not in "\r\n" and i + 1 < n and kinds[i + 1] == "L":
        j = i + 1
    if kinds[j] == "L":
        while j < n and kinds[j] == "L":
            j += 1
        return j
    if kinds[i] == "N":
        return i + 1
    j = i + 1 if text[i] == " " and i + 1 < n and kinds[i + 1] == "o" else i
    if kinds[j] == "o":
        while j < n and kinds[j] == "o":
            j += 1
        while j < n and text[j] in "\r\n":
            j += 1
        return j
    end = i
    while end < n and kinds[end] == "s":
        end += 1
    last_newline = max(text.rfind("\n", i, end), text.rfind("\r", i, end))
    if last_newline >= 0:
        return last_newline + 1
    return end - 1 if end < n and end - i > 1 else end


def to_alphabet(piece):
    return "".join(BYTE_TO_CHAR[b] for b in piece.encode("utf-8", "surrogatepass"))


def train(texts, vocab_size):
    """Learn merges: the most frequent adjacent pair first, ties to the smaller pair, so the result is reproducible."""
    words = Counter(to_alphabet(p) for t in texts for p in split_qwen2(t))
    symbols = {w: list(w) for w in words}
    merges = []
    while 256 + len(merges) + len(CONTROL) < vocab_size:
        pairs = Counter()
        for w, count in words.items():
            s = symbols[w]
            for pair in zip(s, s[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        if pairs[best] < 2:
            break
        merges.append(best)
        for w in words:
            symbols[w] = _merge(symbols[w], best)
    return merges


def _merge(s, pair):
    out, i = [], 0
    while i < len(s):
        if i + 1 < len(s) and (s[i], s[i + 1]) == pair:
            out.append(s[i] + s[i + 1])
            i += 2
        else:
            out.append(s[i])
            i += 1
    return out


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.tokens = [BYTE_TO_CHAR[b] for b in range(256)] + [a + b for a, b in self.merges] + CONTROL
        self.id = {t: i for i, t in enumerate(self.tokens)}
        self.end_text, self.start, self.end = (self.id[t] for t in CONTROL)
        self._cache = {}

    def _bpe(self, word, skip=0.0, rng=random):
        s = list(word)
        while len(s) > 1:
            ranked = [(self.rank[p], i) for i, p in enumerate(zip(s, s[1:])) if p in self.rank]
            if skip:
                ranked = [r for r in ranked if rng.random() >= skip]
            if not ranked:
                break
            rank, i = min(ranked)
            s[i : i + 2] = [s[i] + s[i + 1]]
        return [self.id[t] for t in s]

    def encode(self, text, skip=0.0, rng=random):
        """Ids of plain text; control tokens are never read from it. `skip` drops merges at random (training only)."""
        ids = []
        for piece in split_qwen2(text):
            if skip and rng.random() < 0.2:
                ids += self._bpe(to_alphabet(piece), skip, rng)
                continue
            if piece not in self._cache:
                self._cache[piece] = self._bpe(to_alphabet(piece))
            ids += self._cache[piece]
        return ids

    def turn(self, role, content, **how):
        return [self.start, *self.encode(role + "\n"), *self.encode(content, **how), self.end, *self.encode("\n")]

    def prompt(self, messages):
        """The chat template, rendered straight to ids: [(role, content), ...] and the assistant's header."""
        ids = [i for role, content in messages for i in self.turn(role, content)]
        return ids + [self.start, *self.encode("assistant\n")]

    def decode(self, ids):
        data = b"".join(bytes(CHAR_TO_BYTE[c] for c in self.tokens[i]) for i in ids if i < len(self.tokens) - len(CONTROL))
        return data.decode("utf-8", "replace")
