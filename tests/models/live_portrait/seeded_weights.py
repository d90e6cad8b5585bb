"""Deterministic tensors from a NAME and a SHAPE only (numpy + hashlib, nothing else).

This file is our own code.  It is the executable form of the recipe written out in
README.md and may be imported both by the golden generator and by tests.

bits(name, n)      n uint64 words: Philox-4x64-10, key = first 8 bytes (little endian)
                   of SHA-256(utf-8 name), counter 0 -> BitGenerator.random_raw(n)
normal(name, s)    z = sqrt(3) * ( a/65536 + b/65536 + c/65536 + d/65536 - 2 + 2**-15 )
                   with a,b,c,d the four 16-bit fields of each word (low first), in float64.
                   Mean 0, std 1, |z| <= 3.4641.  Integer exact, so portable bit for bit.
uniform(name, s)   (word >> 40) * 2**-24, in [0,1)
"""

from __future__ import annotations

import hashlib
import math
import re

import numpy as np

SQRT3 = math.sqrt(3.0)


def bits(name: str, n: int) -> np.ndarray:
    key = int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:8], "little")
    return np.random.Philox(key=key).random_raw(int(n))


def normal(name: str, shape) -> np.ndarray:
    n = int(np.prod(shape, dtype=np.int64)) if len(shape) else 1
    r = bits(name, n)
    m = np.uint64(0xFFFF)
    s = (r & m).astype(np.float64)
    for sh in (16, 32, 48):
        s += ((r >> np.uint64(sh)) & m).astype(np.float64)
    z = (s * 2.0**-16 - 2.0 + 2.0**-15) * SQRT3
    return z.reshape(shape)


def uniform(name: str, shape) -> np.ndarray:
    n = int(np.prod(shape, dtype=np.int64)) if len(shape) else 1
    return ((bits(name, n) >> np.uint64(40)).astype(np.float64) * 2.0**-24).reshape(shape)


def image(name: str, size: int = 256) -> np.ndarray:
    """float64 test image in [0,1), shape (1, 3, size, size), with coarse and fine detail.

    0.5 * (8x8 blocks) + 0.3 * (32x32 blocks) + 0.2 * (per pixel), each block constant
    (repeated, not interpolated), the three layers drawn from name + "/8", "/32", "/px".
    """
    out = np.zeros((3, size, size))
    for tag, cells, amp in (("/8", 8, 0.5), ("/32", 32, 0.3), ("/px", size, 0.2)):
        u = uniform(name + tag, (3, cells, cells))
        out += amp * u.repeat(size // cells, axis=1).repeat(size // cells, axis=2)
    return out[None]


# ---------------------------------------------------------------------------------------
# weight rules.  First match wins.  `key` is the plain state-dict key inside its module,
# `module` one of the seven names below.
# ---------------------------------------------------------------------------------------
MODULES = (
    "appearance_feature_extractor",
    "motion_extractor",
    "warping_module",
    "spade_generator",
    "stitching",
    "lip",
    "eye",
)

# (regex on key, gain) for tensors with 2 or more dimensions; std = gain / sqrt(fan_in)
GAINS = (
    (r"\.mlp_(gamma|beta)\.weight$", 0.5),
    (r"fc_kp\.weight$", 0.15),
    (r"fc_exp\.weight$", 0.02),
    (r"fc_t\.weight$", 0.05),
    (r"fc_scale\.weight$", 0.1),
    (r"fc_(pitch|yaw|roll)\.weight$", 1.5),
    (r"dense_motion_network\.mask\.weight$", 3.0),
    (r"dense_motion_network\.occlusion\.weight$", 1.0),
    (r"conv_img\.0\.weight$", 1.0),
    (r"resblocks_3d\..*\.conv2\.weight$", 0.7),
)
# (regex on key, scale, offset): 1-d bias = offset + scale * z
BIASES = (
    (r"fc_kp\.bias$", 0.2, 0.0),
    (r"fc_exp\.bias$", 0.01, 0.0),
    (r"fc_t\.bias$", 0.05, 0.0),
    (r"fc_scale\.bias$", 0.05, 1.3),
)


def tensor(module: str, key: str, shape, sibling=None) -> np.ndarray:
    """float64 value of one state-dict tensor (int64 for num_batches_tracked).

    sibling(key) must return the float64 tensor of another key of the same module; it is
    needed only for spectral-norm `weight_v`, which is W^T u normalised.
    """
    name = f"{module}/{key}"
    shape = tuple(int(x) for x in shape)
    last = key.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if last == "running_mean":
        return 0.1 * normal(name, shape)
    if last == "running_var":
        return 0.5 + uniform(name, shape)
    if last == "weight_u":
        z = normal(name, shape)
        return z / np.sqrt(np.sum(z * z))
    if last == "weight_v":
        base = key[: -len("weight_v")]
        # use the float32-rounded siblings: that is what a checkpoint would hold
        w = sibling(base + "weight_orig").astype(np.float32).astype(np.float64)
        u = sibling(base + "weight_u").astype(np.float32).astype(np.float64)
        v = w.reshape(w.shape[0], -1).T @ u
        return v / np.sqrt(np.sum(v * v))
    if last == "gamma":  # GRN, shape 1x1x1xC
        return 0.5 * normal(name, shape)
    if last == "beta":
        return 0.1 * normal(name, shape)
    if last == "bias":
        if module in ("stitching", "lip", "eye") and shape[0] in (63, 65):
            return 0.01 * normal(name, shape)
        for rx, sc, off in BIASES:
            if re.search(rx, key):
                return off + sc * normal(name, shape)
        return 0.1 * normal(name, shape)
    if last in ("weight", "weight_orig"):
        if len(shape) == 1:  # affine of a normalisation layer
            return 1.0 + 0.1 * normal(name, shape)
        gain = math.sqrt(2.0)
        if module in ("stitching", "lip", "eye") and shape[0] in (63, 65):
            gain = 0.05
        else:
            for rx, g in GAINS:
                if re.search(rx, key):
                    gain = g
                    break
        fan_in = int(np.prod(shape[1:], dtype=np.int64))
        return (gain / math.sqrt(fan_in)) * normal(name, shape)
    raise KeyError(f"no rule for {name} {shape}")


def state_dict(module: str, shapes: dict) -> dict:
    """shapes: {key: shape}.  Returns {key: numpy array}, float32 (or int64 counters)."""
    cache: dict = {}

    def get(k):
        if k not in cache:
            cache[k] = tensor(module, k, shapes[k], get)
        return cache[k]

    out = {}
    for k in shapes:
        v = get(k)
        out[k] = v if v.dtype == np.int64 else v.astype(np.float32)
        if not k.endswith(("weight_orig", "weight_u")):
            cache.pop(k, None)  # keep the memory small
    return out
