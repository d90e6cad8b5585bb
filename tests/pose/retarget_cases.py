"""Drivers, characters and the exact truth between them, from the seeded generator; and how far a track is from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import synth_person

from motion_transfer.core import WHOLE_BODY, PoseTrack
from motion_transfer.pose.body_lengths import BONES, NECK, PELVIS

FEET = [15, 16, 17, 18, 19, 20, 21, 22]
LEGS = list(range(13, 23))
CORE = ("torso", "shoulder", "upper_arm", "forearm", "thigh", "shank")

# driver, character, driver's yaw, character's yaw, driving size, picture size, camera distance
CASES = {
    "A adult to child": ("adult", "child", 0.45, 0.45, (832, 480), (832, 480), 0.0),
    "B adult to chibi": ("adult", "chibi", 0.45, 0.0, (832, 480), (640, 640), 0.0),
    "C adult to lanky": ("adult", "lanky", 0.45, 0.0, (832, 480), (832, 480), 0.0),
    "D side view": ("adult", "child", 1.5, 0.45, (1280, 720), (832, 480), 0.0),
    "E to the camera": ("adult", "child", 0.0, 0.0, (832, 480), (832, 480), 6.0),
    "F child to adult": ("child", "adult", 0.45, 0.0, (832, 480), (832, 480), 0.0),
}


def character_of(body, yaw=0.0, size=(832, 480), seed=3):
    """(pose, px per metre): the character standing in its picture, found to about half a pixel."""
    points, px_per_m = synth_person.project(synth_person.make_rest(body)[None], *size, yaw)
    points = points + np.random.RandomState(seed).randn(*points.shape) * 0.5
    return PoseTrack(points.astype(np.float32), np.full((1, 133), 0.9, np.float32), size), px_per_m


def driver_of(body="adult", yaw=0.45, size=(832, 480), frames=48, first=0, **changes):
    made = synth_person.make_sequence(first + frames, body=body, yaw=yaw, width=size[0], height=size[1], **changes)
    kps = made["kps"][first:]
    return PoseTrack(kps[..., :2].copy(), kps[..., 2].copy(), size), made["contact"][first:]


def case(name, frames=48, first=0, **changes):
    """(driver, character, true points of the character doing the motion, stance flags)."""
    driver_body, body, yaw, own_yaw, size, own_size, cam = CASES[name]
    driver, contact = driver_of(driver_body, yaw, size, frames, first, cam=cam, **changes)
    character, px_per_m = character_of(body, own_yaw, own_size)
    world, _ = synth_person.make_3d(first + frames, changes.get("fps", 24.0), body)
    truth, _ = synth_person.project(world, *own_size, yaw, px_per_m=px_per_m, cam=cam)
    truth = truth[first:]
    own = character.points[0].astype(float)
    truth[..., 0] += own[[11, 12], 0].mean() - truth[0, [11, 12], 0].mean()
    truth[..., 1] += own[FEET, 1].max() - truth[0, FEET, 1].max()
    return driver, character, truth, contact


def with_middles(points):
    middles = [points[:, pair].mean(1, keepdims=True) for pair in ([5, 6], [11, 12])]
    return np.concatenate([points.astype(float), *middles], 1)


def group_lengths(points, groups=CORE):
    """The longest (in 92 of 100 frames) that the bones of each group appear, left and right together."""
    points = with_middles(points)
    assert points.shape[1] == PELVIS + 1 and NECK == 133
    found = {}
    for group in groups:
        bones = [np.linalg.norm(points[:, a] - points[:, b], axis=1) for g, a, b in BONES if g == group]
        found[group] = np.quantile(np.concatenate(bones), 0.92 if len(points) > 4 else 1.0)
    return found


def core_error(points, truth):
    """Mean |log| of bone length against the truth, in %."""
    ours, true = group_lengths(points), group_lengths(truth)
    return 100 * np.mean([abs(np.log(ours[g] / true[g])) for g in CORE])


def joint_error(points, truth, character):
    """Mean distance of body joints and feet from the truth, in % of the character's height."""
    return 100 * np.linalg.norm(points[:, :23] - truth[:, :23], axis=-1).mean() / np.ptp(character.points[0, :, 1])


def whole(plan):
    return plan.track(0, plan.num_frames)


def angles_of(points, groups):
    points = with_middles(points)
    bones = [(a, b) for g, a, b in BONES if g in groups]
    vectors = np.stack([points[:, b] - points[:, a] for a, b in bones], 1)
    return np.arctan2(vectors[..., 1], vectors[..., 0])


def slide(track, character, contact):
    """Farthest that a stance ankle gets from its middle place, in % of the character's height."""
    worst = 0.0
    for side in (0, 1):
        flags = np.diff(np.concatenate(([0], contact[:, side].astype(int), [0])))
        for start, stop in zip(np.nonzero(flags == 1)[0], np.nonzero(flags == -1)[0], strict=True):
            if stop - start > 3:
                x = track.points[start:stop, 15 + side, 0].astype(float)
                worst = max(worst, float(np.abs(x - np.median(x)).max()))
    return 100 * worst / np.ptp(character.points[0, :, 1])


def hide(track, frames, joints):
    scores, points = track.scores.copy(), track.points.copy()
    scores[frames, joints] = 0
    points[frames, joints] = 0
    return replace(track, scores=scores, points=points)


def mirrored(track):
    points = track.points[:, WHOLE_BODY.mirror].copy()
    points[..., 0] = track.size[0] - 1 - points[..., 0]
    return PoseTrack(points, track.scores[:, WHOLE_BODY.mirror].copy(), track.size)
