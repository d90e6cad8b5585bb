"""LivePortrait's W and G in the official order of work, one frame at a time: nothing folded, nothing reused.

Written from the description of the layers; the witness for the rewritten networks and the other side of their timing.
"""

from __future__ import annotations

import torch
from torch.nn import functional


def conv(tensors, name, x):
    weight = tensors[f"{name}.weight"]
    operation = functional.conv3d if weight.ndim == 5 else functional.conv2d
    return operation(x, weight, tensors.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def batch_norm(tensors, name, x):
    mean, variance, weight, bias = (
        tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return functional.batch_norm(x, mean, variance, weight, bias)


def conv_norm(tensors, name, x):
    return batch_norm(tensors, f"{name}.norm", conv(tensors, f"{name}.conv", x))


def appearance(tensors, pixels):
    x = functional.relu(conv_norm(tensors, "first", pixels))
    for i in range(2):
        x = functional.avg_pool2d(functional.relu(conv_norm(tensors, f"down_blocks.{i}", x)), 2)
    x = conv(tensors, "second", x)
    x = x.view(len(x), 32, 16, *x.shape[-2:])
    for i in range(6):
        y = x
        for j in (1, 2):
            y = functional.relu(batch_norm(tensors, f"resblocks_3d.3dr{i}.norm{j}", y))
            y = conv(tensors, f"resblocks_3d.3dr{i}.conv{j}", y)
        x = x + y
    return x


def grid(shape, dtype):
    z, y, x = (2 * torch.arange(n, dtype=dtype) / (n - 1) - 1 for n in shape)
    return torch.stack([part.expand(shape) for part in (x, y[:, None], z[:, None, None])], -1)


def heat(points, cells):
    return torch.exp(-0.5 * ((cells - points[:, :, None, None, None]) ** 2).sum(-1) / 0.01)


def warp(tensors, volume, x_s, x_d):
    """(features, places, occlusion) of one frame: volume `[1,32,16,H,W]`, points `[1,21,3]`."""
    dense = "dense_motion_network"
    shape, count = volume.shape[2:], 1 + x_d.shape[1]
    small = functional.relu(batch_norm(tensors, f"{dense}.norm", conv(tensors, f"{dense}.compress", volume)))
    cells = grid(shape, volume.dtype)
    moved = cells - x_d[:, :, None, None, None] + x_s[:, :, None, None, None]
    moved = torch.cat([cells[None, None], moved], 1)[0]  # proposals D H W 3
    read = functional.grid_sample(small.repeat(count, 1, 1, 1, 1), moved, align_corners=False)
    heats = torch.cat([volume.new_zeros(1, 1, *shape), heat(x_d, cells) - heat(x_s, cells)], 1)[0, :, None]
    levels = [torch.cat([heats, read], 1).view(1, -1, *shape)]
    steps = len({n.split(".")[4] for n in tensors if ".down_blocks." in n})
    for i in range(steps):
        x = functional.relu(conv_norm(tensors, f"{dense}.hourglass.encoder.down_blocks.{i}", levels[-1]))
        levels.append(functional.avg_pool3d(x, (1, 2, 2)))
    x = levels.pop()
    for i in range(steps):
        x = functional.interpolate(x, scale_factor=(1, 2, 2))
        x = functional.relu(conv_norm(tensors, f"{dense}.hourglass.decoder.up_blocks.{i}", x))
        x = torch.cat([x, levels.pop()], 1)
    x = functional.relu(conv_norm(tensors, f"{dense}.hourglass.decoder", x))
    share = torch.softmax(conv(tensors, f"{dense}.mask", x), 1)
    places = (share[0, ..., None] * moved).sum(0)[None]
    occlusion = torch.sigmoid(conv(tensors, f"{dense}.occlusion", x.flatten(1, 2)))
    read = functional.grid_sample(volume, places, align_corners=False).flatten(1, 2)
    read = functional.leaky_relu(conv_norm(tensors, "third", read), 0.01)
    return conv(tensors, "fourth", read) * occlusion, places, occlusion


def spectral(tensors, name, x):
    weight = tensors[f"{name}.weight_orig"]
    sigma = tensors[f"{name}.weight_u"] @ (weight.flatten(1) @ tensors[f"{name}.weight_v"])
    return functional.conv2d(x, weight / sigma, tensors.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def spade(tensors, name, x, features):
    features = functional.interpolate(features, size=x.shape[2:])
    shared = functional.relu(conv(tensors, f"{name}.mlp_shared.0", features))
    gamma, beta = conv(tensors, f"{name}.mlp_gamma", shared), conv(tensors, f"{name}.mlp_beta", shared)
    return functional.instance_norm(x) * (1 + gamma) + beta


def generate(tensors, features):
    x = conv(tensors, "fc", features)
    for name in sorted({n.split(".")[0] for n in tensors if n.startswith(("G_", "up_"))}):
        if name.startswith("up_"):
            x = functional.interpolate(x, scale_factor=2)
        beside = x
        if f"{name}.conv_s.weight_orig" in tensors:
            beside = spectral(tensors, f"{name}.conv_s", spade(tensors, f"{name}.norm_s", x, features))
        for i in (0, 1):
            x = functional.leaky_relu(spade(tensors, f"{name}.norm_{i}", x, features), 0.2)
            x = spectral(tensors, f"{name}.conv_{i}", x)
        x = x + beside
    x = conv(tensors, "conv_img.0", functional.leaky_relu(x, 0.2))
    return torch.sigmoid(functional.pixel_shuffle(x, 2))
