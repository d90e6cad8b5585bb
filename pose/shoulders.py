"""Shoulders on the middle line of their arms, as the cut-out shows it.

Joints found in a drawing are often off by half the width of an arm, and an arm that turns about a point
beside itself tears the chest along. Where background shows on both sides of an upper arm, its middle line,
carried on to the shoulder, is surer than the joint.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ..core import PoseTrack

_ARMS = ((5, 7), (6, 8))  # shoulder and elbow
_SEEN = 0.05  # a joint's score from which on it counts; the finder gives 0 to what is not there
_STATIONS = np.linspace(0.3, 1.0, 15)  # along the upper arm, shoulder to elbow
_LEAST_STATIONS = 4  # a third of the arm or so
_AS_THICK = 1.25  # thicker than the thinnest stations is not the arm alone
_FURTHEST = 0.35  # px per px of the upper arm; further off, it is another arm


def settled_shoulders(pose: PoseTrack, alpha: np.ndarray) -> PoseTrack:
    """The pose of one picture with shoulders where its cut-out (uint8 `[H,W]`) has them, elbows as they are.

    A shoulder moves only where the outline shows both sides of its upper arm, and lies at least as deep inside
    the outline as the arm is thick.
    """
    points, scores = pose.points.copy(), pose.scores[0]
    inside = (alpha >= 128).astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    for shoulder, elbow in _ARMS:
        if min(scores[shoulder], scores[elbow]) >= _SEEN:
            at, end = (pose.points[0, k].astype(np.float64) for k in (shoulder, elbow))
            points[0, shoulder] = _settled(at, end, inside, depth)
    return replace(pose, points=points)


def _settled(shoulder: np.ndarray, elbow: np.ndarray, inside: np.ndarray, depth: np.ndarray) -> np.ndarray:
    bone = elbow - shoulder
    length = float(np.hypot(*bone))
    if length < 8:
        return shoulder
    along = bone / length
    across = np.array([-along[1], along[0]])
    left, right = (_way_out(shoulder + _STATIONS[:, None] * bone, side * across, inside, length) for side in (-1, 1))
    thick = left + right
    shown = np.isfinite(thick) & (left > 0) & (right > 0)
    if shown.sum() < _LEAST_STATIONS:
        return shoulder
    shown &= thick <= _AS_THICK * np.percentile(thick[shown], 25)
    if shown.sum() < _LEAST_STATIONS:
        return shoulder
    off = (right - left) / 2
    slope, start = np.polyfit(_STATIONS[shown], off[shown], 1)
    if abs(start) > _FURTHEST * length or abs(slope) > _FURTHEST * length:
        return shoulder
    half = 0.9 * float(np.median(thick[shown])) / 2
    line = shoulder + start * across + np.linspace(0, 0.3, 31)[:, None] * (bone - start * across)
    deep = _look_up(depth, line) >= half
    return line[int(np.argmax(deep))] if deep.any() else shoulder


def _way_out(points: np.ndarray, direction: np.ndarray, inside: np.ndarray, limit: float) -> np.ndarray:
    """float64 `[n]`: px from each point along `direction` to the outline; 0 outside it, inf beyond `limit`."""
    steps = np.arange(0.0, limit, 0.5)
    out = _look_up(inside, points[:, None] + steps[:, None] * direction) == 0
    return np.where(out.any(1), steps[out.argmax(1)], np.inf)


def _look_up(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values at the nearest pixels; 0 beyond the picture."""
    x, y = np.moveaxis(np.rint(points).astype(int), -1, 0)
    there = (x >= 0) & (y >= 0) & (x < picture.shape[1]) & (y < picture.shape[0])
    return np.where(there, picture[np.clip(y, 0, picture.shape[0] - 1), np.clip(x, 0, picture.shape[1] - 1)], 0)
