"""Averages the weights of two runs with the same tokenizer; the second must have started from the first.

    /usr/bin/python3 average.py /tmp/first /tmp/second 0.7 /tmp/demo_model     0.3 x first + 0.7 x second
"""
import shutil
import sys
from pathlib import Path

import torch


def main():
    first, second, share, out = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    a, b = (torch.load(folder / "checkpoint.pt") for folder in (first, second))
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(first / "tokenizer.json", out / "tokenizer.json")
    model = {name: (1 - share) * w + share * b["model"][name] for name, w in a["model"].items()}
    torch.save({"model": model, "shape": a["shape"], "step": a["step"] + b["step"]}, out / "checkpoint.pt")


if __name__ == "__main__":
    main()
