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
    HAND_BONES,
    HAND_COLOURS,
    LIMB_COLOURS,
    LIMBS,
    OPENPOSE_JOINTS,
    STYLES,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "pose"))
from synth_person import make_sequence


def straightforward(points, scores, size, style):
    """The same rules written with arrays, one canvas operation after the other."""
    rules = STYLES[style]
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    extra = {-1: (5, 6), -2: (17, 18), -3: (20, 21)}
    xy, seen = [], []
    for j in OPENPOSE_JOINTS[: rules.num_joints]:
        pair = extra.get(j, (j, j))
        xy.append(points[list(pair)].astype(np.float64).mean(0))
        both = float((scores[list(pair)] > 0.3).all())
        seen.append(both if j == -1 and rules.neck == "both" else scores[list(pair)].mean())
    width = rules.limb_width(*size)
    for (a, b), colour in zip(LIMBS[: rules.num_limbs], LIMB_COLOURS, strict=False):
        if min(seen[a], seen[b]) < rules.threshold:
            continue
        y, x = np.array([xy[a][1], xy[b][1]]), np.array([xy[a][0], xy[b][0]])
        length = ((y[0] - y[1]) ** 2 + (x[0] - x[1]) ** 2) ** 0.5
        angle = math.degrees(math.atan2(y[0] - y[1], x[0] - x[1]))
        polygon = cv2.ellipse2Poly((int(x.mean()), int(y.mean())), (int(length / 2), width), int(angle), 0, 360, 1)
        cv2.fillConvexPoly(canvas, polygon, colour)
    for k in range(len(xy)):
        if seen[k] >= rules.threshold:
            cv2.circle(canvas, (int(xy[k][0]), int(xy[k][1])), width, COLOURS[k], -1)
    line, dot = rules.hand_widths(*size)
    for hand in (slice(91, 112), slice(112, 133)):
        p, s = points[hand], scores[hand]
        shown = (s >= rules.threshold) & (p.astype(int) > 0).all(1)
        for (a, b), colour in zip(HAND_BONES, HAND_COLOURS, strict=True):
            if shown[a] and shown[b]:
                cv2.line(canvas, tuple(map(int, p[a])), tuple(map(int, p[b])), colour, line)
        for k in np.nonzero(shown)[0]:
            cv2.circle(canvas, tuple(map(int, p[k])), dot, (0, 0, 255), -1)
    if rules.face_dot_px:
        for j in [*range(23, 91), 2, 1]:
            if scores[j] >= rules.threshold and (points[j].astype(int) > 0).all():
                cv2.circle(canvas, tuple(map(int, points[j])), rules.face_dot_px, (255, 255, 255), -1)
    return canvas


def main() -> None:
    sequence = make_sequence(width=1280, height=720)
    points, scores = sequence["kps"][..., :2], sequence["kps"][..., 2]
    print(f"OpenCV {cv2.__version__}, {len(points)} frames of 1280x720, ms per frame (CPU time, best of 7 rounds)")
    for style in STYLES:
        best = {draw_pose: math.inf, straightforward: math.inf}
        for _ in range(7):
            for draw in best:
                begin = time.thread_time()
                drawn = [draw(p, s, (1280, 720), style) for p, s in zip(points, scores, strict=True)]
                best[draw] = min(best[draw], (time.thread_time() - begin) / len(points) * 1e3)
                if draw is draw_pose:
                    ours = drawn
            assert all(np.array_equal(a, b) for a, b in zip(ours, drawn, strict=True)), style
        fast, slow = best[draw_pose], best[straightforward]
        print(f"{style:10s} {fast:6.3f}   straightforward {slow:6.3f}   {slow / fast:.2f}x")


if __name__ == "__main__":
    main()
