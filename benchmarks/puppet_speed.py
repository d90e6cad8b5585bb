"""How fast the puppet engine draws: 1280x720, a drawn figure 600 px tall, stages apart.

    python benchmarks/puppet_speed.py [--frames 160]

Prints wall time, which other work on the machine lengthens, and processor time, which it does not.
Goal: at least 15 frames/s on two cores, engine alone.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np

from motion_transfer.core import Character, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.models.puppet.background import empty_stage
from motion_transfer.models.puppet.drive import pull
from motion_transfer.models.puppet.order import layer_order, survey
from motion_transfer.models.puppet.puppet import Puppet
from motion_transfer.models.puppet.raster import lay_over
from motion_transfer.models.puppet.spec import SPEC, PuppetSettings

SIZE = (1280, 720)
JOINTS = {
    0: (640, 160), 1: (665, 145), 2: (615, 145), 3: (695, 152), 4: (585, 152), 5: (705, 270), 6: (575, 270), 7: (740, 360),
    8: (540, 360), 9: (755, 450), 10: (525, 450), 11: (675, 440), 12: (605, 440), 13: (682, 545), 14: (598, 545),
    15: (688, 645), 16: (592, 645), 17: (715, 665), 20: (565, 665), 18: (718, 663), 21: (562, 663), 19: (682, 665), 22: (598, 665),
}  # fmt: skip


def drawn_character() -> Character:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(np.float32)
    image = np.stack([120 + 0.05 * x, 150 + 0.04 * y, 200 - 0.03 * y], -1)
    alpha = np.zeros(image.shape[:2], np.uint8)
    for limb, width, colour in (((11, 13, 15, 17), 56, (60, 70, 160)), ((12, 14, 16, 20), 56, (60, 70, 160))):
        stroke(image, alpha, limb, width, colour)
    for canvas, value in ((image, (200, 50, 60)), (alpha, 255)):
        cv2.ellipse(canvas, (640, 360), (85, 125), 0, 0, 360, value, -1, cv2.LINE_AA)
    for limb in ((5, 7, 9), (6, 8, 10)):
        stroke(image, alpha, limb, 44, (200, 50, 60))
    for centre, axes in (
        ((640, 150), (80, 88)),
        ((640, 250), (28, 40)),
        ((755, 470), (24, 30)),
        ((525, 470), (24, 30)),
    ):
        for canvas, value in ((image, (230, 180, 140)), (alpha, 255)):
            cv2.ellipse(canvas, centre, axes, 0, 0, 360, value, -1, cv2.LINE_AA)
    points, scores = np.zeros((1, 133, 2), np.float32), np.zeros((1, 133), np.float32)
    for joint, place in JOINTS.items():
        points[0, joint], scores[0, joint] = place, 0.9
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return Character(pixels, "drawn", alpha, PoseTrack(points, scores, SIZE))


def stroke(image, alpha, limb, width, colour):
    for a, b in pairwise(limb):
        cv2.line(image, JOINTS[a], JOINTS[b], colour, width, cv2.LINE_AA)
        cv2.line(alpha, JOINTS[a], JOINTS[b], 255, width, cv2.LINE_AA)


def dance(character: Character, frames: int) -> Motion:
    assert character.pose is not None
    points = np.repeat(character.pose.points.astype(np.float64), frames, 0)
    phase = np.arange(frames) / 24 * 2 * np.pi * 0.6
    for ids, pivot, angle in (((7, 9), 5, -1.2 * (1 - np.cos(phase))), ((8, 10), 6, 1.2 * (1 + np.cos(phase)))):
        v = points[0, ids] - points[0, pivot]
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        points[:, ids] = points[0, pivot] + np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1]], -1)
    points += np.stack([40 * np.sin(phase / 2), 6 * np.sin(phase)], -1)[:, None]
    scores = np.zeros((frames, 133), np.float32)
    scores[:, :23] = 0.9
    track = PoseTrack(points.astype(np.float32), scores, SIZE)
    return Motion((track,), Timeline.constant(frames, Fraction(24)), SourceFile("made", "made"), "made")


class Quiet:
    device = "cpu"

    def step(self, *_): ...

    def note(self, message): ...


class Clock:
    def __init__(self):
        self.rows = []

    def lap(self, name, count, start):
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        self.rows.append((name, count, wall, cpu))

    @staticmethod
    def now():
        return time.perf_counter(), time.process_time()

    def table(self):
        print("| stage | wall ms | processor ms |\n|---|---|---|")
        for name, count, wall, cpu in self.rows:
            print(f"| {name} | {1000 * wall / count:.1f} | {1000 * cpu / count:.1f} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=160)
    frames = parser.parse_args().frames
    character = drawn_character()
    motion = dance(character, frames)
    clock = Clock()
    start = clock.now()
    puppet = Puppet(character)
    clock.lap("build the puppet, once", 1, start)
    start = clock.now()
    stage = empty_stage(character)
    clock.lap("fill the background, once", 1, start)
    start = clock.now()
    plan = survey(puppet.rig, lambda a, b: (motion.main.points[a:b], motion.main.scores[a:b]), frames, 24.0)
    clock.lap("survey, per frame", frames, start)
    few = min(frames, 64)
    start = clock.now()
    strings = pull(puppet.rig, motion.main.points[:few], motion.main.scores[:few], plan.size[:few].astype(float))
    clock.lap("strings, per frame", few, start)
    start = clock.now()
    posed = [puppet.pose(strings, i) for i in range(few)]
    clock.lap("pose and relax, per frame", few, start)
    start = clock.now()
    pieces = [list(puppet.draw(posed[i], layer_order(int(plan.flags[i])))) for i in range(few)]
    clock.lap("draw, per frame", few, start)
    start = clock.now()
    for drawn in pieces:
        canvas = stage.copy()
        for piece, origin in drawn:
            lay_over(canvas, piece, origin)
    clock.lap("composite, per frame", few, start)
    clock.table()
    engine = SPEC.open(PuppetSettings(), Quiet(), 0)
    start, done = None, 0
    begun = clock.now()
    for chunk in engine.transfer(character, motion):
        if start is None:
            start = clock.now()
            print(f"first chunk after {start[0] - begun[0]:.2f} s ({start[1] - begun[1]:.2f} s of processor)")
        else:
            done += chunk.num_frames
    assert start is not None
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    print(f"engine from the second chunk on: {done / wall:.1f} frames/s wall, {done / cpu:.1f} per processor second")


if __name__ == "__main__":
    main()
