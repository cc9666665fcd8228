"""The demo model in PyTorch: the `qwen3moe` forward pass, written for training on a CPU.

One conversation per row, padded on the right, so a causal mask is all it needs. RoPE is relative: where a conversation
starts does not matter, only how far apart its tokens are.
"""
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    vocab: int = 2048
    width: int = 192
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 32
    experts: int = 8
    used: int = 2
    expert_width: int = 128
    context: int = 2048
    rope_base: float = 10000.0
    eps: float = 1e-6

    dict = asdict


def rms(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rope(x, cos, sin):
    """NEOX pairing: element i turns with element i + n/2."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)


def matrix(*dims, std=None):
    return nn.Parameter(torch.randn(*dims) * (std or dims[-1] ** -0.5))


class Layer(nn.Module):
    drop = 0.08  # on what a layer adds, in training only

    def __init__(self, s):
        super().__init__()
        self.s = s
        out = (2 * s.layers) ** -0.5
        self.attn_norm = nn.Parameter(torch.ones(s.width))
        self.attn_q = matrix(s.heads * s.head_dim, s.width)
        self.attn_k = matrix(s.kv_heads * s.head_dim, s.width)
        self.attn_v = matrix(s.kv_heads * s.head_dim, s.width)
        self.attn_q_norm = nn.Parameter(torch.ones(s.head_dim))
        self.attn_k_norm = nn.Parameter(torch.ones(s.head_dim))
        self.attn_output = matrix(s.width, s.heads * s.head_dim, std=out * s.width**-0.5)
        self.ffn_norm = nn.Parameter(torch.ones(s.width))
        self.ffn_gate_inp = matrix(s.experts, s.width, std=0.02)
        self.ffn_gate_exps = matrix(s.experts, s.expert_width, s.width)
        self.ffn_up_exps = matrix(s.experts, s.expert_width, s.width)
        self.ffn_down_exps = matrix(s.experts, s.width, s.expert_width, std=out * s.expert_width**-0.5)

    def attention(self, x, cos, sin, mask):
        s, (b, t, _) = self.s, x.shape
        x = rms(x, self.attn_norm, s.eps)
        q = (x @ self.attn_q.T).view(b, t, s.heads, s.head_dim)
        k = (x @ self.attn_k.T).view(b, t, s.kv_heads, s.head_dim)
        v = (x @ self.attn_v.T).view(b, t, s.kv_heads, s.head_dim).transpose(1, 2)
        q = rope(rms(q, self.attn_q_norm, s.eps).transpose(1, 2), cos, sin)
        k = rope(rms(k, self.attn_k_norm, s.eps).transpose(1, 2), cos, sin)
        group = s.heads // s.kv_heads
        k, v = (m.repeat_interleave(group, dim=1) for m in (k, v))
        score = (q * s.head_dim**-0.5) @ k.transpose(-1, -2) + mask
        y = torch.softmax(score, -1) @ v
        return y.transpose(1, 2).reshape(b, t, -1) @ self.attn_output.T

    def experts(self, x):
        """Top-k of a softmax router, weights renormalised; returns the output and the load-balance loss."""
        s, shape = self.s, x.shape
        x = rms(x, self.ffn_norm, s.eps).reshape(-1, s.width)
        p = torch.softmax(x @ self.ffn_gate_inp.T, -1)
        weight, chosen = p.topk(s.used, -1)
        weight = weight / weight.sum(-1, keepdim=True)
        load = torch.zeros(s.experts).index_add_(0, chosen.flatten(), torch.ones(chosen.numel())) / chosen.numel()
        out = torch.zeros_like(x)
        for e in range(s.experts):
            rows, slot = (chosen == e).nonzero(as_tuple=True)
            h = x.index_select(0, rows)
            h = F.silu(h @ self.ffn_gate_exps[e].T) * (h @ self.ffn_up_exps[e].T)
            out = out.index_add(0, rows, (h @ self.ffn_down_exps[e].T) * weight[rows, slot, None])
        return out.view(shape), s.experts * (load * p.mean(0)).sum()

    def forward(self, x, cos, sin, mask):
        x = x + F.dropout(self.attention(x, cos, sin, mask), self.drop, self.training)
        y, balance = self.experts(x)
        return x + F.dropout(y, self.drop, self.training), balance


class Model(nn.Module):
    """Tied embeddings: the output head is token_embd."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = matrix(shape.vocab, shape.width, std=0.05)
        self.output_norm = nn.Parameter(torch.ones(shape.width))
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def angles(self, length):
        half = self.shape.head_dim // 2
        theta = torch.arange(length)[:, None] * self.shape.rope_base ** (-torch.arange(half) / half)
        return theta.cos(), theta.sin()

    def forward(self, tokens, wanted=None):
        """Logits at the `wanted` positions (row, column) or everywhere, and the mean load-balance loss."""
        t = tokens.shape[1]
        cos, sin = self.angles(t)
        mask = torch.full((t, t), -1e9).triu(1)
        x, balance = self.token_embd[tokens], 0.0
        for layer in self.blk:
            x, b = layer(x, cos, sin, mask)
            balance = balance + b / len(self.blk)
        if wanted is not None:
            x = x[wanted]
        return rms(x, self.output_norm, self.shape.eps) @ self.token_embd.T, balance
