"""Writes the trained checkpoint as a GGUF file: matrices in Q8_0, norms and routers in F32.

    /usr/bin/python3 export.py --out /tmp/demo_model --file sluice-demo.gguf
"""
import argparse
import json
from pathlib import Path

import torch

import gguf
import tokenizer
from gguf import BOOL, F32, FLOAT, I32, Q8_0, STRING, U32, ARRAY


def metadata(s, tok):
    a = "qwen3moe."
    kinds = [1] * (len(tok.tokens) - len(tokenizer.CONTROL)) + [3] * len(tokenizer.CONTROL)
    return [
        ("general.architecture", STRING, "qwen3moe"),
        ("general.name", STRING, "Sluice demo"),
        ("general.description", STRING, "Small mixture-of-experts model that answers questions about the Sluice gateway"),
        ("general.author", STRING, "The Sluice project"),
        ("general.license", STRING, "same as Sluice"),
        ("general.languages", (ARRAY, STRING), ["en"]),
        ("general.alignment", U32, gguf.ALIGN),
        ("general.quantization_version", U32, 2),
        ("general.file_type", U32, 7),
        (a + "context_length", U32, s["context"]),
        (a + "embedding_length", U32, s["width"]),
        (a + "block_count", U32, s["layers"]),
        (a + "feed_forward_length", U32, s["expert_width"] * s["used"]),
        (a + "attention.head_count", U32, s["heads"]),
        (a + "attention.head_count_kv", U32, s["kv_heads"]),
        (a + "attention.layer_norm_rms_epsilon", FLOAT, s["eps"]),
        (a + "attention.key_length", U32, s["head_dim"]),
        (a + "attention.value_length", U32, s["head_dim"]),
        (a + "rope.freq_base", FLOAT, s["rope_base"]),
        (a + "rope.dimension_count", U32, s["head_dim"]),
        (a + "vocab_size", U32, s["vocab"]),
        (a + "expert_count", U32, s["experts"]),
        (a + "expert_used_count", U32, s["used"]),
        (a + "expert_feed_forward_length", U32, s["expert_width"]),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, "qwen2"),
        ("tokenizer.ggml.tokens", (ARRAY, STRING), tok.tokens),
        ("tokenizer.ggml.token_type", (ARRAY, I32), kinds),
        ("tokenizer.ggml.merges", (ARRAY, STRING), [" ".join(m) for m in tok.merges]),
        ("tokenizer.ggml.bos_token_id", U32, tok.end_text),
        ("tokenizer.ggml.eos_token_id", U32, tok.end),
        ("tokenizer.ggml.padding_token_id", U32, tok.end_text),
        ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, tokenizer.CHAT_TEMPLATE),
    ]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", default="/tmp/demo_model")
    p.add_argument("--file", default=str(Path(__file__).parent / "sluice-demo.gguf"))
    args = p.parse_args()
    saved = torch.load(Path(args.out) / "checkpoint.pt")
    tok = tokenizer.Tokenizer(json.loads((Path(args.out) / "tokenizer.json").read_text())["merges"])
    tensors = []
    for name, w in saved["model"].items():
        small = w.dim() == 1 or name.endswith("ffn_gate_inp")
        tensors.append((name + ".weight", w.numpy(), F32 if small else Q8_0))
    tensors.sort()
    gguf.write(args.file, metadata(saved["shape"], tok), tensors)
    print(f"{args.file}: {Path(args.file).stat().st_size:,} bytes, step {saved['step']}")


if __name__ == "__main__":
    main()
