"""Muon (Jordan et al., 2024): momentum whose matrix updates are made orthogonal by Newton-Schulz steps.

On this small model it needs fewer steps than AdamW for the same loss. Embeddings, routers and norms stay with AdamW.
"""
import torch


def orthogonal(g, steps=5):
    """The nearest orthogonal matrix, roughly; works on a stack of matrices (the experts of a layer) at once."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    x = g.transpose(-1, -2) if tall else g
    x = x / (x.flatten(-2).norm(dim=-1)[..., None, None] + 1e-7)
    for _ in range(steps):
        s = x @ x.transpose(-1, -2)
        x = a * x + (b * s + c * s @ s) @ x
    return x.transpose(-1, -2) if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is None:
                    continue
                state = self.state[w]
                m = state.setdefault("momentum", torch.zeros_like(w))
                m.lerp_(w.grad, 1 - group["momentum"])
                update = orthogonal(w.grad.lerp(m, group["momentum"]))
                scale = max(1, w.shape[-2] / w.shape[-1]) ** 0.5
                w.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)
