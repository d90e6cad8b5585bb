"""Seeded scenes of several walking people, as a detector would give them: shuffled, with drop-outs, the hidden one missing."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import synth_person

synth_person.make_3d = functools.cache(synth_person.make_3d)  # the same for every seed; only the noise differs

HIDDEN_FROM = 0.55  # overlap of boxes from which on the person behind is not found


@dataclass
class Scene:
    frames: list[np.ndarray]
    """Per frame float32 `[m,133,3]` px and score, in any order."""
    truth: list[list[int]]
    """Per frame who each of them is."""


def walk(seed, body, x_from, x_to, num_frames, *, px_per_m=190.0, yaw=1.35, wave=True):
    """float32 `[T,133,3]`: somebody walking so that the hips go from one column to another."""
    joints = synth_person.make_sequence(
        frames=num_frames, seed=seed, body=body, px_per_m=px_per_m, yaw=yaw, cx=0.5, wave=wave
    )["kps"]
    middle = joints[:, [11, 12], 0].mean(axis=1)
    joints[..., 0] += (np.linspace(x_from, x_to, num_frames) - middle)[:, None]
    return joints


def seen_by_detector(people, seed, *, drop=0.08):
    """People front first; `people[i]` is float32 `[T,133,3]`, nan where not there."""
    random = np.random.RandomState(seed)
    scene = Scene([], [])
    for t in range(len(people[0])):
        shown: list[tuple[int, np.ndarray]] = []
        for i, person in enumerate(people):
            if np.isnan(person[t]).any() or any(_iou(box(person[t]), box(p)) > HIDDEN_FROM for _, p in shown):
                continue
            shown.append((i, person[t]))
        shown = [p for p in shown if random.rand() > drop]
        order = random.permutation(len(shown))
        scene.frames.append(np.array([shown[k][1] for k in order], np.float32).reshape(-1, 133, 3))
        scene.truth.append([shown[k][0] for k in order])
    return scene


def two_crossing(seed, *, num_frames=96, drop=0.08):
    front = walk(seed, "adult", 640, 190, num_frames)
    behind = ["adult", "child", "lanky"][seed % 3]
    back = walk(seed + 50, behind, 190, 640, num_frames, px_per_m=175, yaw=-1.35, wave=False)
    return seen_by_detector([front, back], seed, drop=drop)


def box(joints):
    """float `[4]` x0 y0 x1 y1 around the body's joints that are seen, `[133,3]`."""
    seen = joints[:17, 2] > 0.3
    points = joints[:17, :2][seen] if seen.any() else joints[:17, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def switches(numbers, truth):
    """How often a person goes on under another number, and how many frames carry a person's usual number (0..1)."""
    last, count, usual = {}, 0, {}
    for here, who in zip(numbers, truth, strict=True):
        for number, person in zip(here, who, strict=True):
            count += person in last and last[person] != number
            last[person] = number
            usual.setdefault(person, {}).setdefault(number, 0)
            usual[person][number] += 1
    total = sum(sum(n.values()) for n in usual.values())
    return count, sum(max(n.values()) for n in usual.values()) / total
