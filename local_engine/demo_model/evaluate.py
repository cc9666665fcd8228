"""Asks the exported GGUF file every held-out question and writes golden.json for the engine's tests.

    /usr/bin/python3 evaluate.py                  accuracy on held-out questions, misses listed
    /usr/bin/python3 evaluate.py --golden         also write golden.json
"""
import argparse
import json
import random
from pathlib import Path

import corpus
from reference import Reference
from slots import FILLER, SYSTEM, fill

HERE = Path(__file__).parent
GOLDEN = [
    [("user", "hello")],
    [("user", "how do I set a budget for a team?")],
    [("system", "You are a helpful assistant."), ("user", "what is a data class?")],
    [("user", "Please check this card 4111 1111 1111 1111 for me")],
    [("user", "can you write Python?")],
    [("user", "how do I add a key?"), ("assistant", None), ("user", "and how do I delete it later?")],
]


def cases(intents, how, rng):
    """(intent, messages) for each held-out question: bare, with a system prompt, after a turn, or after long text."""
    plain = [i for i in intents.values() if not i.after]
    for intent in intents.values():
        for question in intent.test:
            turns = [("system", rng.choice(SYSTEM))] if how == "system" else []
            before = rng.choice(plain) if how == "turn" and not intent.after else None
            if intent.after:
                before = intents[rng.choice(intent.after)]
            if before:
                turns += [("user", fill(rng.choice(before.train), rng)), ("assistant", before.answer)]
            if how == "long":
                question = " ".join(rng.choices(FILLER, k=rng.choice((3, 20, 60, 90)))) + " " + question
            yield intent, turns + [("user", question.lower().rstrip("?.!") if how == "lower" else question)]


def fresh_cases(intents, name):
    for line in (HERE / f"{name}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, question = line.split(" | ")
            yield intents[name], [("user", question)]


def accuracy(model, intents, how, show):
    right = total = 0
    todo = fresh_cases(intents, how) if how.startswith("fresh") else cases(intents, how, random.Random(11))
    for intent, messages in list(todo)[:: 4 if how == "long" else 1]:  # long prompts are slow in numpy
        good = model.would_say(messages, intent.answer)
        total += 1
        right += good
        if show and not good:
            text = model.tok.decode(model.answer(messages, 24)[0])
            print(f"  {intent.name}: {messages[-1][1][-90:]!r} -> {text[:90]!r}")
    print(f"{how}: {right} of {total} right = {100 * right / total:.1f} %", flush=True)


def golden(model):
    out = []
    for messages in GOLDEN:
        turns = []
        for role, text in messages:
            turns.append((role, text if text is not None else model.tok.decode(model.answer(turns)[0])))
        ids = model.tok.prompt(turns)
        answer, rows = model.answer(turns)
        top = [sorted(((float(r[i]), int(i)) for i in r.argsort()[-5:]), reverse=True) for r in rows[:3]]
        out.append({
            "messages": [{"role": r, "content": t} for r, t in turns],
            "prompt_text": "".join(f"<|im_start|>{r}\n{t}<|im_end|>\n" for r, t in turns) + "<|im_start|>assistant\n",
            "prompt_ids": ids,
            "answer_ids": answer,
            "answer_text": model.tok.decode(answer),
            "smallest_gap": min(float(r[r.argsort()[-1]] - r[r.argsort()[-2]]) for r in rows),
            "top_logits": [[{"id": i, "logit": round(v, 4)} for v, i in row] for row in top],
        })
    note = "Computed by reference.py from sluice-demo.gguf in float32. top_logits: the five best after the prompt, then after one and two answer tokens."
    (HERE / "golden.json").write_text(json.dumps({"note": note, "cases": out}, indent=1, ensure_ascii=False) + "\n")
    print(f"golden.json: {len(out)} cases, smallest gap {min(c['smallest_gap'] for c in out):.3f}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--file", default=str(HERE / "sluice-demo.gguf"))
    p.add_argument("--golden", action="store_true")
    p.add_argument("--quiet", action="store_true")
    p.add_argument("--ways", default="fresh_test,fresh_test_2,bare,lower,system,turn,long")
    args = p.parse_args()
    model, intents = Reference(args.file), corpus.load()
    for how in filter(None, args.ways.split(",")):
        accuracy(model, intents, how, not args.quiet)
    if args.golden:
        golden(model)


if __name__ == "__main__":
    main()
