#!/usr/bin/env python3
"""The local engine beside llama.cpp: the same file, the same threads, alternating rounds in one run.

    tests/bench/engine/peer.py --sluice build/release/sluice --llama-bench DIR/llama-bench [--models dense06b-q4,moe5b-q8]
                               [--threads 1,2] [--rounds 3] [--folder DIR] [--moe-layers 14]

Makes the GGUF files it needs (random blocks in the target type, true shapes; kept in --folder), then measures a prompt of
512 tokens and decoding of 128, both best of the rounds. Decoding is also given in percent of the read bandwidth that
`sluice bench` measures in its own process. Neither side reads or writes anything else. Exit status 1 when a ratio is below one.
"""
import argparse
import json
import os
import random
import struct
import subprocess
import sys

Q8_0, Q4_K, Q6_K, F32 = 8, 12, 14, 0
BLOCKS = {Q8_0: (32, 34), Q4_K: (256, 144), Q6_K: (256, 210), F32: (1, 4)}
VOCABULARY = 151936
SHAPES = {
    "dense06b": dict(arch="qwen3", width=1024, layers=28, heads=16, kv_heads=8, ffn=3072),
    "moe5b": dict(arch="qwen3moe", width=2048, layers=14, heads=16, kv_heads=4, ffn=768, experts=64, used=8),
}


def half(value):
    return struct.pack("<e", value)


def blocks(kind, cols, count, source):
    """`count` random blocks whose scales keep a product as large as its input."""
    size = BLOCKS[kind][1]
    data = bytearray(source.randbytes(size * count))
    scale = half((0.013 if kind == Q8_0 else 0.0015) / cols ** 0.5)
    for at in range(0, len(data), size):
        if kind == Q6_K:
            data[at + 208:at + 210] = scale
        else:
            data[at:at + 2] = scale
        if kind == Q4_K:
            data[at + 2:at + 4] = half(0.0015 * 7.5 / cols ** 0.5)
    return bytes(data)


class Writer:
    def __init__(self):
        self.entries, self.count, self.tensors, self.offset = bytearray(), 0, [], 0

    def _string(self, text):
        raw = text.encode()
        return struct.pack("<Q", len(raw)) + raw

    def put(self, key, kind, packed):
        self.entries += self._string(key) + struct.pack("<I", kind) + packed
        self.count += 1

    def number(self, key, value):
        self.put(key, 4, struct.pack("<I", value))

    def real(self, key, value):
        self.put(key, 6, struct.pack("<f", value))

    def text(self, key, value):
        self.put(key, 8, self._string(value))

    def texts(self, key, values):
        self.put(key, 9, struct.pack("<IQ", 8, len(values)) + b"".join(self._string(value) for value in values))

    def numbers(self, key, values):
        self.put(key, 9, struct.pack("<IQ", 5, len(values)) + struct.pack(f"<{len(values)}i", *values))

    def tensor(self, name, kind, shape):
        values, size = BLOCKS[kind]
        total = size * (shape[0] // values)
        for length in shape[1:]:
            total *= length
        self.tensors.append((name, kind, shape, self.offset, total))
        self.offset += (total + 31) // 32 * 32

    def write(self, path):
        source = random.Random(1)
        with open(path + ".part", "wb") as out:
            out.write(b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), self.count) + self.entries)
            for name, kind, shape, offset, _ in self.tensors:
                out.write(self._string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset))
            out.write(b"\0" * (-out.tell() % 32))
            for name, kind, shape, _, total in self.tensors:
                if kind == F32 and len(shape) == 1:
                    data = struct.pack("<f", 1.0) * shape[0]
                elif kind == F32:
                    data = struct.pack(f"<{shape[0] * shape[1]}f",
                                       *(source.gauss(0.0, 0.05) for _ in range(shape[0] * shape[1])))
                else:  # a stretch of blocks again and again: the same bits at other places cost the same to read
                    stretch = blocks(kind, shape[0], 4099, source)
                    data = (stretch * (total // len(stretch) + 1))[:total]
                out.write(data + b"\0" * (-total % 32))
        os.rename(path + ".part", path)


def tokenizer(writer):
    writer.text("tokenizer.chat_template", "{% for message in messages %}{{ message.content }}\n{% endfor %}")  # so that it can be served
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    tokens = letters + ["ab"]
    tokens += [f"<{i}>" for i in range(VOCABULARY - len(tokens) - 1)] + ["<|endoftext|>"]
    writer.text("tokenizer.ggml.model", "gpt2")
    writer.text("tokenizer.ggml.pre", "qwen2")
    writer.texts("tokenizer.ggml.tokens", tokens)
    writer.numbers("tokenizer.ggml.token_type", [1] * (VOCABULARY - 1) + [3])
    writer.texts("tokenizer.ggml.merges", ["a b"])
    writer.number("tokenizer.ggml.eos_token_id", VOCABULARY - 1)


def make_model(path, shape, eight_bits):
    """As the usual mixture does it: half of the layers keep more bits in value and down, and so does the head."""
    writer = Writer()
    arch, width = shape["arch"], shape["width"]
    writer.text("general.architecture", arch)
    writer.number(f"{arch}.block_count", shape["layers"])
    writer.number(f"{arch}.context_length", 4096)
    writer.number(f"{arch}.embedding_length", width)
    writer.number(f"{arch}.feed_forward_length", shape["ffn"])
    writer.number(f"{arch}.attention.head_count", shape["heads"])
    writer.number(f"{arch}.attention.head_count_kv", shape["kv_heads"])
    writer.number(f"{arch}.attention.key_length", 128)
    writer.number(f"{arch}.attention.value_length", 128)
    writer.real(f"{arch}.attention.layer_norm_rms_epsilon", 1e-6)
    writer.real(f"{arch}.rope.freq_base", 1e6)
    experts = shape.get("experts", 0)
    if experts:
        writer.number(f"{arch}.expert_count", experts)
        writer.number(f"{arch}.expert_used_count", shape["used"])
        writer.number(f"{arch}.expert_feed_forward_length", shape["ffn"])
    tokenizer(writer)
    usual, large = (Q8_0, Q8_0) if eight_bits else (Q4_K, Q6_K)
    writer.tensor("token_embd.weight", large if not experts else usual, (width, VOCABULARY))
    if experts:
        writer.tensor("output.weight", large, (width, VOCABULARY))
    writer.tensor("output_norm.weight", F32, (width,))
    queries, keys, ffn = shape["heads"] * 128, shape["kv_heads"] * 128, shape["ffn"]
    for layer in range(shape["layers"]):
        block = f"blk.{layer}."
        more = large if layer % 2 == 0 else usual
        writer.tensor(block + "attn_norm.weight", F32, (width,))
        writer.tensor(block + "attn_q.weight", usual, (width, queries))
        writer.tensor(block + "attn_k.weight", usual, (width, keys))
        writer.tensor(block + "attn_v.weight", more, (width, keys))
        writer.tensor(block + "attn_output.weight", usual, (queries, width))
        writer.tensor(block + "attn_q_norm.weight", F32, (128,))
        writer.tensor(block + "attn_k_norm.weight", F32, (128,))
        writer.tensor(block + "ffn_norm.weight", F32, (width,))
        if experts:
            writer.tensor(block + "ffn_gate_inp.weight", F32, (width, experts))
            writer.tensor(block + "ffn_gate_exps.weight", usual, (width, ffn, experts))
            writer.tensor(block + "ffn_up_exps.weight", usual, (width, ffn, experts))
            writer.tensor(block + "ffn_down_exps.weight", more, (ffn, width, experts))
        else:
            writer.tensor(block + "ffn_gate.weight", usual, (width, ffn))
            writer.tensor(block + "ffn_up.weight", usual, (width, ffn))
            writer.tensor(block + "ffn_down.weight", more, (ffn, width))
    writer.write(path)


def output_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=900).stdout


def measure_peer(arguments, path, threads):
    """Tokens per second of a prompt and of decoding."""
    rows = json.loads(output_of([arguments.llama_bench, "-m", path, "-t", str(threads), "-p", str(arguments.prompt), "-n",
                                 str(arguments.decode), "-r", "1", "-o", "json"]))
    speed = {"prompt" if row["n_prompt"] else "decode": row["avg_ts"] for row in rows}
    return speed["prompt"], speed["decode"]


def measure_ours(arguments, path, threads):
    """Tokens per second of a prompt and of decoding, share of the read bandwidth, and that bandwidth."""
    said = json.loads(output_of([arguments.sluice, "bench", path, "--threads", str(threads), "--prompt", str(arguments.prompt),
                                 "--decode", str(arguments.decode), "--batch", "1", "--context", "1", "--step", "512",
                                 "--repeat", "1", "--json"]))
    prompt, decode = said["results"]
    return (prompt["tokens_per_second"], decode["tokens_per_second"], decode["share_of_bandwidth"],
            said["read_bytes_per_second"])


def compare(arguments, name, path, threads):
    ours, peer = [], []
    for _ in range(arguments.rounds):
        ours.append(measure_ours(arguments, path, threads))
        peer.append(measure_peer(arguments, path, threads))
    prompt, decode, share, _ = (max(column) for column in zip(*ours))
    peer_prompt, peer_decode = (max(column) for column in zip(*peer))
    print(f"{name:14} {threads:7} | {prompt:9.1f} {peer_prompt:9.1f} {prompt / peer_prompt:6.2f} | "
          f"{decode:8.1f} {peer_decode:8.1f} {decode / peer_decode:6.2f} | {100 * share:5.0f} % of "
          f"{max(row[3] for row in ours) / 1e9:.1f} GB/s", flush=True)
    return prompt >= peer_prompt and decode >= peer_decode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--llama-bench", required=True)
    parser.add_argument("--models", default="dense06b-q4,dense06b-q8,moe5b-q4,moe5b-q8")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--decode", type=int, default=128)
    parser.add_argument("--folder", default="/tmp/sluice-bench")
    parser.add_argument("--moe-layers", type=int, default=14, help="fewer make a smaller file of the same layers")
    parser.add_argument("--make-only", action="store_true", help="only write the files")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    SHAPES["moe5b"]["layers"] = arguments.moe_layers
    if not arguments.make_only:
        print("model          threads |    prompt llama.cpp  ratio |   decode llama.cpp  ratio | decode reads", flush=True)
    good = True
    for name in arguments.models.split(","):
        shape, bits = name.rsplit("-", 1)
        if shape not in SHAPES or bits not in ("q4", "q8"):
            parser.error(f"unknown model {name}")
        layers = SHAPES[shape]["layers"]
        path = os.path.join(arguments.folder, f"{name}-{layers}.gguf")
        if not os.path.exists(path):
            make_model(path, SHAPES[shape], bits == "q8")
        if arguments.make_only:
            continue
        for threads in arguments.threads.split(","):
            good &= compare(arguments, name, path, int(threads))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
