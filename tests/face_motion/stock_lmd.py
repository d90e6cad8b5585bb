"""The face encoder as it is published, written down from its description: the witness for ours, and the slow path.

Blur pads, folds every channel into the batch of a one-channel convolution at full resolution and then throws
away the rows and columns that a stride would never have made.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F

CHANNELS = {512: 32, 256: 64, 128: 128, 64: 256, 32: 512, 16: 512, 8: 512, 4: 512}
FEW = {64: 8, 32: 16, 16: 24, 8: 24, 4: 32}
"""For tests that need no true sizes."""


def random_official(side_px: int = 512, *, style: int = 512, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights by official names, with biases that matter, for faces of `side_px`; few channels below 512."""
    channels, motion = CHANNELS if side_px == 512 else FEW, 20
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int, std: float = 1.0) -> torch.Tensor:
        return torch.randn(*shape, generator=draw) * std

    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(taps, taps) / 64
    sizes = [s for s in channels if s <= side_px]
    net = "enc.net_app.convs"
    weights = {
        f"{net}.0.0.weight": normal(channels[side_px], 3, 1, 1),
        f"{net}.0.1.bias": normal(1, channels[side_px], 1, 1, std=0.3),
    }
    for i, (size, half) in enumerate(itertools.pairwise(sizes), 1):
        a, b = channels[size], channels[half]
        weights |= {
            f"{net}.{i}.conv1.0.weight": normal(a, a, 3, 3),
            f"{net}.{i}.conv1.1.bias": normal(1, a, 1, 1, std=0.3),
            f"{net}.{i}.conv2.0.kernel": kernel,
            f"{net}.{i}.conv2.1.weight": normal(b, a, 3, 3),
            f"{net}.{i}.conv2.2.bias": normal(1, b, 1, 1, std=0.3),
            f"{net}.{i}.skip.0.kernel": kernel,
            f"{net}.{i}.skip.1.weight": normal(b, a, 1, 1),
        }
    weights[f"{net}.{len(sizes)}.weight"] = normal(style, channels[4], 4, 4)
    for i in range(5):
        rows = motion if i == 4 else style
        weights |= {f"enc.fc.{i}.weight": normal(rows, style), f"enc.fc.{i}.bias": normal(rows, std=0.3)}
    weights["dec.direction.weight"] = normal(style, motion)
    return weights


def stock_blur(x: torch.Tensor, kernel: torch.Tensor, pad: int) -> torch.Tensor:
    n, c, h, w = x.shape
    x = F.pad(x.view(n, c, h, 1, w, 1), [0] * 8).view(n, c, h, w)  # zeros between samples: none when only blurring
    x = F.pad(x, [pad, pad, pad, pad]).reshape(n * c, 1, h + 2 * pad, w + 2 * pad)
    x = F.conv2d(x, torch.flip(kernel, [0, 1])[None, None])
    return x.reshape(n, c, x.shape[2], x.shape[3])


@torch.no_grad()
def stock_codes(weights: dict[str, torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
    """Magnitudes `[n,20]` of `[n,3,side,side]` in -1..1, layer by layer as published."""
    net = "enc.net_app.convs"

    def conv(x: torch.Tensor, name: str, stride: int = 1, padding: int = 0) -> torch.Tensor:
        weight = weights[name]
        return F.conv2d(x, weight * (1 / math.sqrt(weight[0].numel())), stride=stride, padding=padding)

    def act(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.leaky_relu(x + weights[name], 0.2) * 2**0.5

    x = act(conv(pixels, f"{net}.0.0.weight"), f"{net}.0.1.bias")
    i = 1
    while f"{net}.{i}.conv1.0.weight" in weights:
        out = act(conv(x, f"{net}.{i}.conv1.0.weight", padding=1), f"{net}.{i}.conv1.1.bias")
        out = stock_blur(out, weights[f"{net}.{i}.conv2.0.kernel"], 2)
        out = act(conv(out, f"{net}.{i}.conv2.1.weight", stride=2), f"{net}.{i}.conv2.2.bias")
        skip = stock_blur(x, weights[f"{net}.{i}.skip.0.kernel"], 1)
        skip = conv(skip, f"{net}.{i}.skip.1.weight", stride=2)
        x = (out + skip) / math.sqrt(2)
        i += 1
    x = conv(x, f"{net}.{i}.weight").flatten(1)
    for k in range(5):
        weight = weights[f"enc.fc.{k}.weight"]
        x = F.linear(x, weight * (1 / math.sqrt(weight.shape[1])), weights[f"enc.fc.{k}.bias"])
    return x


def stock_vectors(weights: dict[str, torch.Tensor], codes: torch.Tensor) -> torch.Tensor:
    q = torch.linalg.qr(weights["dec.direction.weight"] + 1e-8)[0]
    return torch.sum(codes.unsqueeze(-1) * q.T, dim=1)
