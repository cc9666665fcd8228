"""Trains the demo model from the corpus. Loss on the assistant's tokens only; resumes from its checkpoint.

    /usr/bin/python3 train.py --out /tmp/demo_model --steps 3600
"""
import argparse
import json
import math
import os
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F

import corpus
import gguf
import tokenizer
from model import Model, Shape
from muon import Muon


def encode_conversation(tok, turns, rng):
    """Ids, and for each id whether the model must predict it (the answer and its <|im_end|>)."""
    ids, wanted = [], []
    for role, text in turns:
        skip = 0.3 if role == "user" and rng.random() < 0.3 else 0.0
        turn = tok.turn(role, text, skip=skip, rng=rng)
        header = len(tok.encode(role + "\n")) + 1
        newline = len(turn) - 1
        ids += turn
        wanted += [role == "assistant" and header <= k < newline for k in range(len(turn))]
    return ids, wanted


class Batches:
    """Conversations of like length together, padded on the right; some have much text before the question."""

    def __init__(self, tok, talks, rng, size):
        self.tok, self.talks, self.rng, self.size, self.ready = tok, talks, rng, size, []

    def _refill(self):
        draw = lambda: self.talks.draw(self.rng.randint(6, 60) if self.rng.random() < 0.03 else 0)
        pool = sorted((encode_conversation(self.tok, draw(), self.rng) for _ in range(512)), key=lambda c: len(c[0]))
        group = []
        for c in pool:
            if group and len(c[0]) * (len(group) + 1) > self.size:
                self.ready.append(group)
                group = []
            group.append(c)
        self.ready.append(group)
        self.rng.shuffle(self.ready)

    def next(self):
        if not self.ready:
            self._refill()
        group = self.ready.pop()
        shape = (len(group), max(len(ids) for ids, _ in group))
        tokens, target = torch.full(shape, self.tok.end_text), torch.zeros(shape, dtype=torch.bool)
        for row, (ids, wanted) in enumerate(group):
            tokens[row, : len(ids)], target[row, : len(ids)] = torch.tensor(ids), torch.tensor(wanted)
        return tokens, target


def earlier(start):
    """Merges and weights of an earlier run: its folder, or an exported GGUF file, whose matrices are rounded to Q8_0."""
    if start.suffix == ".gguf":
        file = gguf.Reader(start)
        weights = {name.removesuffix(".weight"): torch.tensor(w) for name, w in file.tensors.items()}
        return [m.split(" ") for m in file.metadata["tokenizer.ggml.merges"]], weights
    return json.loads((start / "tokenizer.json").read_text())["merges"], torch.load(start / "checkpoint.pt")["model"]


def rate(step, args):
    if step < args.warmup:
        return (step + 1) / args.warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - args.warmup) / (args.steps - args.warmup)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", default="/tmp/demo_model")
    p.add_argument("--steps", type=int, default=3600)
    p.add_argument("--batch", type=int, default=3072, help="tokens, padding included")
    p.add_argument("--lr", type=float, default=0.02, help="Muon, for the matrices of the layers")
    p.add_argument("--lr-other", type=float, default=3e-3, help="AdamW, for embeddings, routers and norms")
    p.add_argument("--warmup", type=int, default=60)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--vocab", type=int, default=2048)
    p.add_argument("--start", help="a folder or a GGUF file whose tokenizer and weights to start from", type=Path)
    p.add_argument("--stop-at", type=int, default=10**9, help="stop early, keeping the schedule of --steps")
    args = p.parse_args()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)

    intents = corpus.load()
    if args.start:
        merges, weights = earlier(args.start)
        tok = tokenizer.Tokenizer(merges)
    else:
        tok = tokenizer.Tokenizer(tokenizer.train(corpus.plain_texts(intents), args.vocab))
    (out / "tokenizer.json").write_text(json.dumps({"merges": tok.merges}))
    shape = Shape(vocab=len(tok.tokens))
    model = Model(shape)
    if args.start:
        model.load_state_dict(weights)
    print(f"{len(intents)} intents, {shape.vocab} tokens, {sum(w.numel() for w in model.parameters()):,} weights", flush=True)
    matrices = [w for name, w in model.named_parameters() if name.startswith("blk.") and w.dim() > 1 and "gate_inp" not in name]
    others = [w for w in model.parameters() if not any(w is m for m in matrices)]
    optimizers = [Muon(matrices, lr=args.lr, weight_decay=0.05), torch.optim.AdamW(others, lr=args.lr_other, betas=(0.9, 0.98), weight_decay=0.01)]
    base = [args.lr, args.lr_other]
    batches = Batches(tok, corpus.Conversations(intents, rng), rng, args.batch)
    step, checkpoint = 0, out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        for o, state in zip(optimizers, saved["optimizers"]):
            o.load_state_dict(state)
        step = saved["step"]
        rng.seed(args.seed + step)

    began, mean = time.time(), None
    while step < min(args.steps, args.stop_at):
        for o, lr in zip(optimizers, base):
            o.param_groups[0]["lr"] = lr * rate(step, args)
        tokens, target = batches.next()
        wanted = target[:, 1:].nonzero(as_tuple=True)
        logits, balance = model(tokens, wanted)
        loss = F.cross_entropy(logits, tokens[:, 1:][wanted])
        model.zero_grad(set_to_none=True)
        (loss + 0.01 * balance).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in optimizers:
            o.step()
        step += 1
        mean = loss.item() if mean is None else 0.97 * mean + 0.03 * loss.item()
        if step % 50 == 0:
            print(f"step {step} loss {mean:.4f} balance {balance.item():.3f} {time.time() - began:.0f} s", flush=True)
        if step % 100 == 0 or step == min(args.steps, args.stop_at):
            torch.save({"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step, "shape": shape.dict()}, out / "saving.pt")
            (out / "saving.pt").rename(checkpoint)


if __name__ == "__main__":
    main()
