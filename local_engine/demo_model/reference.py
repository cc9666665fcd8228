"""The forward pass in numpy, straight from the GGUF file: what the bytes in the file mean. Independent of PyTorch."""
import numpy as np

import gguf
import tokenizer


class Reference:
    def __init__(self, path):
        file = gguf.Reader(path)
        m, self.w = file.metadata, {k.removesuffix(".weight"): v for k, v in file.tensors.items()}
        self.tok = tokenizer.Tokenizer(t.split(" ") for t in m["tokenizer.ggml.merges"])
        assert self.tok.tokens == m["tokenizer.ggml.tokens"]
        a = "qwen3moe."
        self.layers, self.used = m[a + "block_count"], m[a + "expert_used_count"]
        self.heads, self.kv = m[a + "attention.head_count"], m[a + "attention.head_count_kv"]
        self.dim, self.eps = m[a + "attention.key_length"], m[a + "attention.layer_norm_rms_epsilon"]
        half = self.dim // 2
        self.theta = m[a + "rope.freq_base"] ** (-np.arange(half) / half)

    def rms(self, x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * weight

    def rope(self, x, positions):
        angle = (positions[:, None] * self.theta)[:, None, :]
        cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        a, b = np.split(x, 2, -1)
        return np.concatenate((a * cos - b * sin, a * sin + b * cos), -1)

    def attention(self, x, n, state, positions):
        w = lambda name: self.w[f"blk.{n}.attn_{name}"]
        x, t = self.rms(x, w("norm")), len(x)
        q = self.rope(self.rms((x @ w("q").T).reshape(t, self.heads, self.dim), w("q_norm")), positions)
        k = self.rope(self.rms((x @ w("k").T).reshape(t, self.kv, self.dim), w("k_norm")), positions)
        v = (x @ w("v").T).reshape(t, self.kv, self.dim)
        if n in state:
            k, v = np.concatenate((state[n][0], k)), np.concatenate((state[n][1], v))
        state[n] = (k, v)
        k, v = (np.repeat(m, self.heads // self.kv, axis=1) for m in (k, v))
        score = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(self.dim)
        score = np.where(np.arange(len(k))[None, None, :] <= positions[None, :, None], score, -np.inf)
        p = np.exp(score - score.max(-1, keepdims=True))
        y = np.einsum("hqk,khd->qhd", p / p.sum(-1, keepdims=True), v)
        return y.reshape(t, -1).astype(np.float32) @ w("output").T

    def experts(self, x, n):
        w = lambda name: self.w[f"blk.{n}.ffn_{name}"]
        x = self.rms(x, w("norm"))
        logits = x @ w("gate_inp").T
        p = np.exp(logits - logits.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        chosen = np.argsort(-p, -1, kind="stable")[:, : self.used]
        weight = np.take_along_axis(p, chosen, -1)
        weight /= weight.sum(-1, keepdims=True)
        out = np.zeros_like(x)
        for e in range(p.shape[1]):
            rows, slot = np.nonzero(chosen == e)
            g, u = x[rows] @ w("gate_exps")[e].T, x[rows] @ w("up_exps")[e].T
            out[rows] += weight[rows, slot, None] * ((g / (1 + np.exp(-g)) * u) @ w("down_exps")[e].T)
        return out

    def hidden(self, ids, state):
        """Last layer's output, normed; `state` is a dict that carries keys and values from call to call."""
        at = state.get("length", 0)
        positions, x = np.arange(at, at + len(ids)), self.w["token_embd"][ids]
        for n in range(self.layers):
            x = x + self.attention(x, n, state, positions)
            x = x + self.experts(x, n)
        state["length"] = at + len(ids)
        return self.rms(x, self.w["output_norm"])

    def logits(self, ids, state):
        """Logits after the last of `ids`."""
        return self.hidden(ids, state)[-1] @ self.w.get("output", self.w["token_embd"]).T

    def would_say(self, messages, text):
        """Whether the greedy answer is exactly `text`: every best token is the next one. One pass instead of one a token."""
        prompt, answer = self.tok.prompt(messages), [*self.tok.encode(text), self.tok.end]
        x = self.hidden(prompt + answer[:-1], {})[len(prompt) - 1 :]
        return (x @ self.w.get("output", self.w["token_embd"]).T).argmax(-1).tolist() == answer

    def answer(self, messages, limit=160):
        """Greedy answer: its ids, <|im_end|> left out, and the logits that chose each of them."""
        ids, state, answer, rows = self.tok.prompt(messages), {}, [], []
        while len(answer) < limit:
            row = self.logits(ids, state)
            rows.append(row)
            ids = [int(row.argmax())]
            if ids[0] in (self.tok.end, self.tok.end_text):
                break
            answer += ids
        return answer, rows
