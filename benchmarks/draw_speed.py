"""Milliseconds per drawn pose, against the straightforward way of doing the same (arrays joint by joint).

    python benchmarks/draw_speed.py

Both draw the same pixels (checked). Rounds are interleaved and the best of each is reported, so that
other work on the machine disturbs both alike.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.pose.draw import draw_pose
from motion_transfer.pose.draw_styles import (
    COLOURS,
    DIM,
    HAND_BONES,
    HAND_HUES,
    LIMBS,
    OPENPOSE_JOINTS,
    STYLES,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "pose"))
from synth_person import make_sequence


def straightforward(points, scores, size, style):
    """The same rules written with arrays, one canvas operation after the other, as the originals go about it."""
    rules = STYLES[style]
    shrink = rules.short_side / min(size) if rules.short_side else 1
    large = (int(size[0] * shrink), int(size[1] * shrink))
    canvas = np.zeros((large[1], large[0], 3), np.uint8)
    points = points.astype(np.float64) / size * large
    scores = scores.astype(np.float64)
    xy, seen = _joints(points, scores, rules)
    strokes = rules.strokes(*large)
    for (a, b), colour in zip(LIMBS[: rules.num_limbs], COLOURS, strict=False):
        if min(seen[a], seen[b]) < rules.threshold or min(seen[a], seen[b]) == 0:
            continue
        y, x = np.array([xy[a][1], xy[b][1]]), np.array([xy[a][0], xy[b][0]])
        length = ((y[0] - y[1]) ** 2 + (x[0] - x[1]) ** 2) ** 0.5
        angle = math.degrees(math.atan2(y[0] - y[1], x[0] - x[1]))
        axes = (int(length / 2), strokes.limb)
        polygon = cv2.ellipse2Poly((int(x.mean()), int(y.mean())), axes, int(angle), 0, 360, 1)
        light = seen[a] * seen[b] if rules.is_weighted else 1.0
        dim = 1.0 if rules.is_weighted else rules.dim
        cv2.fillConvexPoly(canvas, polygon, [int(int(c * light) * dim) for c in colour])
    if rules.is_weighted:
        canvas = (canvas * DIM).astype(np.uint8)
    for k in range(len(xy)):
        if seen[k] >= rules.threshold and seen[k] > 0:
            light = seen[k] if rules.is_weighted else 1.0
            colour = [int(c * light) for c in COLOURS[k]]
            cv2.circle(canvas, (int(xy[k][0]), int(xy[k][1])), strokes.joint, colour, -1)
    feet = range(17, 23) if rules.has_foot_dots else ()
    for k, j in enumerate(feet):
        if scores[j] >= rules.threshold:
            cv2.circle(canvas, tuple(map(int, points[j])), strokes.joint, COLOURS[k], -1)
    least = rules.threshold if rules.small_threshold is None else rules.small_threshold
    hands = [slice(91, 112), slice(112, 133)]
    for hand in hands[::-1] if rules.right_hand_first else hands:
        p, s = points[hand], scores[hand]
        shown = (s >= least) & (p.astype(int) > 0).all(1)
        if rules.skips_outside:
            shown &= (p.astype(int) < large).all(1)
        for (a, b), hue in zip(HAND_BONES, HAND_HUES, strict=True):
            if shown[a] and shown[b]:
                light = int(s[a] * s[b] * 255) if rules.is_weighted else 255
                colour = np.array(hue) * light
                if rules.skips_outside:
                    colour = colour.astype(int).astype(float)
                cv2.line(canvas, tuple(map(int, p[a])), tuple(map(int, p[b])), colour.tolist(), strokes.hand_line)
        for k in np.nonzero(shown)[0]:
            blue = int(s[k] * 255) if rules.is_weighted else 255
            cv2.circle(canvas, tuple(map(int, p[k])), strokes.hand_dot, (0, 0, blue), -1)
    if strokes.face_dot:
        for j in [*(23 + k for k in rules.face_points), *([2, 1] if rules.has_eye_dots else [])]:
            if scores[j] >= least and (points[j].astype(int) > 0).all():
                grey = int(scores[j] * 255) if rules.is_weighted else 255
                cv2.circle(canvas, tuple(map(int, points[j])), strokes.face_dot, (grey, grey, grey), -1)
    if rules.short_side:
        canvas = cv2.resize(canvas, size)
    return cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB) if rules.swaps_red_and_blue else canvas


def _joints(points, scores, rules):
    extra = {-1: (5, 6), -2: (17, 18), -3: (20, 21)}
    xy, seen = [], []
    for j in OPENPOSE_JOINTS[: rules.num_joints]:
        pair = list(extra.get(j, (j, j)))
        xy.append(points[pair].mean(0))
        pass_both = bool((scores[pair] > 0.3).all())
        if j == -1 and rules.neck != "mean":
            seen.append((1.0 if rules.neck == "both" else scores[pair].min()) if pass_both else 0.0)
        else:
            seen.append(scores[pair].mean())
    return xy, seen


def main() -> None:
    sequence = make_sequence(width=1280, height=720)
    points, scores = sequence["kps"][..., :2], sequence["kps"][..., 2]
    cv2.setNumThreads(1)  # the clock below sees this thread alone
    print(f"OpenCV {cv2.__version__}, {len(points)} frames of 1280x720, ms per frame (CPU time, best of 3 to 7 rounds)")
    for style in STYLES:
        best = {draw_pose: math.inf, straightforward: math.inf}
        for _ in range(3 if STYLES[style].short_side else 7):
            for draw in best:
                begin = time.thread_time()
                drawn = [draw(p, s, (1280, 720), style) for p, s in zip(points, scores, strict=True)]
                best[draw] = min(best[draw], (time.thread_time() - begin) / len(points) * 1e3)
                if draw is draw_pose:
                    ours = drawn
            assert all(np.array_equal(a, b) for a, b in zip(ours, drawn, strict=True)), style
        fast, slow = best[draw_pose], best[straightforward]
        print(f"{style:16s} {fast:6.3f}   straightforward {slow:6.3f}   {slow / fast:.2f}x")


if __name__ == "__main__":
    main()
