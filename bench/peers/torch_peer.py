"""Training steps of the four workloads in PyTorch eager, timed on demand.

usage: python torch_peer.py mlp|vit|cnn|vae
Prints one JSON object with the version and the thread counts to try. Then for each line "THREADS STEPS" on stdin it runs
that many steps and prints the milliseconds of one.
"""
import json
import os
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import torch
import torch.nn as nn
import torch.nn.functional as F


def mlp():
    sizes = [25, 64, 128, 256, 128, 64, 32]
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(32, 3))
    x, y = torch.randn(64, 25), torch.randn(64, 3)
    return model, 1e-5, lambda: F.mse_loss(model(x), y)


def cnn():
    channels = [1, 16, 32, 64, 64]
    layers = []
    for a, b in zip(channels, channels[1:]):
        layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 2))
    x, y = torch.rand(32, 1, 64, 64), torch.rand(32, 2)
    return model, 1e-3, lambda: F.mse_loss(model(x), y)


class Block(nn.Module):
    def __init__(self, size, heads, inner):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.inner = nn.Sequential(nn.Linear(size, inner), nn.GELU(), nn.Linear(inner, size))

    def attention(self, x):
        batch, tokens, size = x.shape
        parts = self.qkv(x).reshape(batch, tokens, 3, self.heads, size // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = torch.softmax(q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5, -1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, size))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.inner(self.norm2(x))


class Vit(nn.Module):
    def __init__(self, size=64, heads=4, depth=4, inner=128, patch=8, tokens=72):
        super().__init__()
        self.patch, self.tokens = patch, tokens
        self.embed = nn.Linear(patch * patch, size)
        self.position = nn.Parameter(torch.randn(1, tokens, size) * 0.02)
        self.blocks = nn.Sequential(*[Block(size, heads, inner) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(size), nn.Linear(size, 1)

    def forward(self, x):
        batch, p = x.shape[0], self.patch
        patches = x.reshape(batch, 8, p, 9, p).permute(0, 1, 3, 2, 4).reshape(batch, self.tokens, p * p)
        h = self.blocks(self.embed(patches) + self.position)
        return self.head(self.norm(h.mean(1))).reshape(batch)


def vit():
    model = Vit()
    x, y = torch.rand(64, 64, 72) * 2 - 1, (torch.arange(64) % 2).float()
    return model, 1e-3, lambda: F.binary_cross_entropy_with_logits(model(x), y)


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        act = lambda: nn.LeakyReLU(0.1)
        self.encode = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), act(), nn.Conv2d(32, 32, 4, 2, 1), act(), nn.Conv2d(32, 32, 4, 3, 1), act(),
            nn.Flatten(), nn.Linear(512, 512), act(), nn.Linear(512, 512), act(), nn.Linear(512, 32))
        self.decode = nn.Sequential(
            nn.Linear(24, 512), act(), nn.Linear(512, 512), act(), nn.Linear(512, 512), act(),
            nn.Unflatten(1, (32, 4, 4)), nn.ConvTranspose2d(32, 32, 4, 3, 1), act(),
            nn.ConvTranspose2d(32, 32, 4, 2, 1), act(), nn.ConvTranspose2d(32, 1, 4, 2, 1), act())

    def forward(self, x, noise, condition):
        mean, log_variance = self.encode(x).chunk(2, 1)
        z = mean + noise * torch.exp(0.5 * log_variance)
        return self.decode(torch.cat([z, condition], 1)), mean, log_variance


def vae():
    model = Vae()
    x, noise, condition = torch.rand(64, 1, 44, 44), torch.randn(64, 16), torch.rand(64, 8)

    def loss():
        y, mean, log_variance = model(x, noise, condition)
        divergence = -0.5 * (1 + log_variance - mean ** 2 - log_variance.exp()).sum() / 64
        return ((y - x) ** 2).sum() / 64 + divergence

    return model, 1e-4, loss


def main():
    torch.manual_seed(0)
    model, rate, loss = {"mlp": mlp, "cnn": cnn, "vit": vit, "vae": vae}[sys.argv[1]]()
    optimizer = torch.optim.Adam(model.parameters(), rate)

    def step():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()

    most = max(1, min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
    print(json.dumps({"version": torch.__version__, "threads": list(range(1, most + 1))}), flush=True)
    for line in sys.stdin:
        threads, steps = map(int, line.split())
        torch.set_num_threads(threads)
        step()
        begin = time.perf_counter()
        for _ in range(steps):
            step()
        print((time.perf_counter() - begin) / steps * 1e3, flush=True)


main()
