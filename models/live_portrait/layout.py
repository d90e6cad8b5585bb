"""Which tensors LivePortrait's seven networks consist of: name -> shape, as the official checkpoints have them.

Only names and sizes, no torch: what a file must hold to be one of them (KwaiVGI/LivePortrait, src/config/models.yaml).
The animals' networks have the same tensors with other numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

APPEARANCE, MOTION, WARPING, GENERATOR = "appearance", "motion", "warping", "generator"
STITCHING, LIP, EYE = "stitching", "lip", "eye"

Shapes = dict[str, tuple[int, ...]]

POINT_VALUES = 63  # 21 key points of 3
_DEPTHS, _WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)  # ConvNeXt V2 Tiny
_HEADS = {"kp": 63, "scale": 1, "pitch": 66, "yaw": 66, "roll": 66, "t": 3, "exp": 63}
_MLPS = {STITCHING: (126, 128, 128, 64, 65), LIP: (65, 128, 128, 64, 63), EYE: (66, 256, 256, 128, 128, 64, 63)}

MLP_IN_PTH = {STITCHING: "retarget_shoulder", LIP: "retarget_mouth", EYE: "retarget_eye"}
"""Network -> its part of the one file that holds the three small ones. The official file has a dict of each with
`module.` before every name; the safetensors conversion has `<part>_module.` there."""

TITLES = {
    APPEARANCE: "appearance network (F)",
    MOTION: "motion network (M)",
    WARPING: "warping network (W)",
    GENERATOR: "generator (G)",
    STITCHING: "stitching network (S)",
    LIP: "lip retargeting network",
    EYE: "eye retargeting network",
}


def shapes_of(network: str) -> Shapes:
    """Name -> shape of every tensor of one of the seven, `num_batches_tracked` (which nothing uses) among them."""
    if network in _MLPS:
        return _mlp(_MLPS[network])
    makers: dict[str, Callable[[], Shapes]] = {
        APPEARANCE: _appearance,
        MOTION: _motion,
        WARPING: _warping,
        GENERATOR: _generator,
    }
    return makers[network]()


def _layer(name: str, out: int, *rest: int, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (out, *rest)}
    return shapes | ({f"{name}.bias": (out,)} if bias else {})


def _batch_norm(name: str, n: int) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (n,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def _normed(name: str, out: int, into: int, *kernel: int) -> Shapes:
    return _layer(f"{name}.conv", out, into, *kernel) | _batch_norm(f"{name}.norm", out)


def _appearance() -> Shapes:
    shapes = _normed("first", 64, 3, 3, 3) | _normed("down_blocks.0", 128, 64, 3, 3)
    shapes |= _normed("down_blocks.1", 256, 128, 3, 3) | _layer("second", 512, 256, 1, 1)
    for i in range(6):
        for j in (1, 2):
            shapes |= _layer(f"resblocks_3d.3dr{i}.conv{j}", 32, 32, 3, 3, 3)
            shapes |= _batch_norm(f"resblocks_3d.3dr{i}.norm{j}", 32)
    return shapes


def _motion() -> Shapes:
    shapes = _layer("downsample_layers.0.0", 96, 3, 4, 4) | _layer("downsample_layers.0.1", 96)
    for i in (1, 2, 3):
        shapes |= _layer(f"downsample_layers.{i}.0", _WIDTHS[i - 1])
        shapes |= _layer(f"downsample_layers.{i}.1", _WIDTHS[i], _WIDTHS[i - 1], 2, 2)
    for i, (depth, width) in enumerate(zip(_DEPTHS, _WIDTHS, strict=True)):
        for j in range(depth):
            block = f"stages.{i}.{j}"
            shapes |= _layer(f"{block}.dwconv", width, 1, 7, 7) | _layer(f"{block}.norm", width)
            shapes |= _layer(f"{block}.pwconv1", 4 * width, width) | _layer(f"{block}.pwconv2", width, 4 * width)
            shapes |= {f"{block}.grn.{part}": (1, 1, 1, 4 * width) for part in ("gamma", "beta")}
    shapes |= _layer("norm", _WIDTHS[-1])
    for head, n in _HEADS.items():
        shapes |= _layer(f"fc_{head}", n, _WIDTHS[-1])
    return {f"detector.{name}": shape for name, shape in shapes.items()}


def _warping() -> Shapes:
    dense, into = "dense_motion_network", 110  # 22 candidate motions, each one heat map and 4 features
    hourglass = f"{dense}.hourglass"
    shapes: Shapes = {}
    for i, out in enumerate((64, 128, 256, 512, 1024)):
        shapes |= _normed(f"{hourglass}.encoder.down_blocks.{i}", out, into, 3, 3, 3)
        into = out
    for i, (out, into) in enumerate(((512, 1024), (256, 1024), (128, 512), (64, 256), (32, 128))):
        shapes |= _normed(f"{hourglass}.decoder.up_blocks.{i}", out, into, 3, 3, 3)
    shapes |= _normed(f"{hourglass}.decoder", 142, 142, 3, 3, 3)
    shapes |= _layer(f"{dense}.mask", 22, 142, 7, 7, 7) | _layer(f"{dense}.occlusion", 1, 142 * 16, 7, 7)
    shapes |= _layer(f"{dense}.compress", 4, 32, 1, 1, 1) | _batch_norm(f"{dense}.norm", 4)
    return shapes | _normed("third", 256, 512, 3, 3) | _layer("fourth", 256, 256, 1, 1)


def _generator() -> Shapes:
    shapes = _layer("fc", 512, 256, 3, 3) | _layer("conv_img.0", 12, 64, 3, 3)
    blocks = [(f"G_middle_{i}", 512, 512) for i in range(6)] + [("up_0", 512, 256), ("up_1", 256, 64)]
    for block, into, out in blocks:
        middle = min(into, out)
        convs = {"conv_0": (middle, into, 3, 3), "conv_1": (out, middle, 3, 3)}
        norms = {"norm_0": into, "norm_1": middle}
        if into != out:
            convs["conv_s"], norms["norm_s"] = (out, into, 1, 1), into
        for conv, shape in convs.items():
            shapes |= _spectral(f"{block}.{conv}", shape, bias=conv != "conv_s")
        for norm, n in norms.items():
            shapes |= _layer(f"{block}.{norm}.mlp_shared.0", 128, 256, 3, 3)
            for part in ("gamma", "beta"):
                shapes |= _layer(f"{block}.{norm}.mlp_{part}", n, 128, 3, 3)
    return shapes


def _spectral(name: str, shape: tuple[int, ...], *, bias: bool) -> Shapes:
    rest = shape[1] * shape[2] * shape[3]
    shapes: Shapes = {f"{name}.weight_orig": shape, f"{name}.weight_u": shape[:1], f"{name}.weight_v": (rest,)}
    return shapes | ({f"{name}.bias": shape[:1]} if bias else {})


def _mlp(sizes: tuple[int, ...]) -> Shapes:
    shapes: Shapes = {}
    for i, (into, out) in enumerate(pairwise(sizes)):
        shapes |= _layer(f"mlp.{2 * i}", out, into)
    return shapes
