"""Joints of a clip by detector and pose network: the usual order of work against ours, in one run.

    python benchmarks/pose_speed.py [--frames 16] [--rounds 2] [--arithmetic-only]

Networks of the true input and output shapes, sizes and multiplications (YOLOX-L 155 GFLOP, DWPose 20 GFLOP), with
random weights under planted answers, so that decoding and suppression have true work. The usual order, written
here as the published packs go about it: the detector in every frame, one frame and one crop at a time, all 80
classes suppressed, whole heat maps blurred joint by joint, pictures normalised in float64. Rounds are interleaved and
the best of each counts, so that other work on the machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, save

from motion_transfer.core import FrameChunk, SourceFile, VideoInfo
from motion_transfer.pose.boxes import stretch_into
from motion_transfer.pose.crops import crop_into, regions
from motion_transfer.pose.draw import draw_pose
from motion_transfer.pose.heat_maps import decode_heat_maps
from motion_transfer.pose.networks import open_finder, open_pose_network
from motion_transfer.pose.top_down import extract_people
from motion_transfer.run.host import LocalHost

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "pose"), str(ROOT / "benchmarks")]
from draw_speed import straightforward  # noqa: E402
from network_inputs import gauss_maps, test_image  # noqa: E402
from synth_person import make_sequence  # noqa: E402

STRIDE = 8
BATCH = 8
MEAN, DEVIATION = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


class Graph:
    """A stack of convolutions, grown one by one."""

    def __init__(self) -> None:
        self.nodes, self.weights, self.flops, self.random = [], [], 0.0, np.random.RandomState(0)

    def constant(self, value):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind, inputs, **more):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **more))
        return name

    def conv(self, x, wide, out, rows, columns, kernel=3, stride=1):
        scale = np.sqrt(2 / (wide * kernel * kernel))
        weight = (self.random.standard_normal((out, wide, kernel, kernel)) * scale).astype(np.float32)
        self.flops += 2.0 * weight.size * (rows // stride) * (columns // stride)
        y = self.add("Conv", [x, self.constant(weight)], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                     pads=[(kernel - 1) // 2] * 4)  # fmt: skip
        return self.add("Relu", [y])

    def plant(self, x, answer):
        """The constant answer, with the network's own far below its last digits: none of it can be left out."""
        tiny = self.add("Mul", [x, self.constant(np.float32(1e-12))])
        return self.add("Add", [self.constant(answer), tiny])

    def save(self, path, shape, outputs):
        infos = []
        for (name, wanted), answer in outputs.items():
            self.nodes.append(helper.make_node("Identity", [answer], [name]))
            infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *wanted]))
        given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", *shape])
        graph = helper.make_graph(self.nodes, "network", [given], infos, self.weights)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))
        parameters = sum(np.prod(w.dims) for w in self.weights) / 1e6
        print(f"{path.name}: {parameters:.1f} M numbers, {self.flops / 1e9:.1f} GFLOP")


def make_yolox(path, rows):
    graph = Graph()
    x = graph.conv("input", 3, 128, 640, 640, kernel=8, stride=8)  # patches of 8 px, in place of its stem
    for _ in range(3):
        x = graph.conv(x, 128, 128, 80, 80)
    x = graph.conv(x, 128, 512, 80, 80, stride=2)
    for _ in range(19):
        x = graph.conv(x, 512, 512, 40, 40)
    n, parts = 85, []
    for out, stride, count in ((4 * n, 1, 6400), (n, 1, 1600), (n, 2, 400)):
        y = graph.conv(x, 512, out, 40, 40, kernel=1, stride=stride)
        parts.append(graph.add("Reshape", [y, graph.constant(np.array([0, n, count]))]))
    y = graph.add("Transpose", [graph.add("Concat", parts, axis=2)], perm=[0, 2, 1])
    graph.save(path, (3, 640, 640), {("output", (8400, 85)): graph.plant(y, rows)})


def make_dwpose(path, across, down):
    graph = Graph()
    x = graph.conv("input", 3, 512, 384, 288, kernel=16, stride=16)
    for _ in range(9):
        x = graph.conv(x, 512, 512, 24, 18)
    x = graph.conv(x, 512, 133, 24, 18)
    flat = graph.add("Reshape", [x, graph.constant(np.array([0, 133, 432]))])
    outputs = {}
    for name, answer in (("simcc_x", across), ("simcc_y", down)):
        weight = graph.random.standard_normal((432, answer.shape[2])).astype(np.float32)
        y = graph.add("MatMul", [flat, graph.constant(weight)])
        outputs[name, answer.shape[1:]] = graph.plant(y, answer)
    graph.save(path, (3, 384, 288), outputs)


def planted(width, height):
    """Rows of a YOLOX that sees one person, and bins of a DWPose that sees a walking figure."""
    random = np.random.RandomState(2)
    rows = np.zeros((1, 8400, 85), np.float32)
    rows[..., 4:] = random.uniform(0, 0.2, (8400, 81))
    for stride, side, first in ((8, 80, 0), (16, 40, 6400), (32, 20, 8000)):
        for k in range(6):
            gx, gy = int(320 / stride) + k % 3, int(180 / stride) + k // 3
            row = rows[0, first + gy * side + gx]
            row[:4] = 320 / stride - gx, 180 / stride - gy, np.log(150 / stride), np.log(330 / stride)
            row[4:6] = 0.9 - 0.01 * k, 0.95
    made = make_sequence(frames=30, body="adult", width=width, height=height)["kps"][0]
    # The figure fills 0.64 of the region: a box around it, grown by 1.25 twice, is that region again.
    scale = 0.64 * 768 / np.ptp(made[:, 1])
    bins = []
    for axis, count in ((0, 576), (1, 768)):
        at = (made[:, axis] - (made[:, axis].min() + made[:, axis].max()) / 2) * scale + count / 2
        bins.append(np.exp(-((np.arange(count) - at[:, None]) ** 2) / 72)[None].astype(np.float32))
    return rows, bins[0], bins[1]


# The usual order of work


def usual_boxes(session, frame):
    canvas = np.ones((640, 640, 3), np.uint8) * 114
    ratio = min(640 / frame.shape[0], 640 / frame.shape[1])
    small = cv2.resize(frame[..., ::-1], (int(frame.shape[1] * ratio), int(frame.shape[0] * ratio)))
    canvas[: small.shape[0], : small.shape[1]] = small
    planes = np.ascontiguousarray(canvas.transpose(2, 0, 1), np.float32)
    rows = session.run(None, {"input": planes[None]})[0]
    return usual_suppression(rows, ratio)


def usual_suppression(rows, ratio):
    grids, strides = [], []
    for stride in (8, 16, 32):
        x, y = np.meshgrid(np.arange(640 // stride), np.arange(640 // stride))
        grids.append(np.stack((x, y), 2).reshape(1, -1, 2))
        strides.append(np.full((1, grids[-1].shape[1], 1), stride))
    grid, stride = np.concatenate(grids, 1), np.concatenate(strides, 1)
    rows = rows.copy()
    rows[..., :2] = (rows[..., :2] + grid) * stride
    rows[..., 2:4] = np.exp(rows[..., 2:4]) * stride
    rows = rows[0]
    boxes = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], 1) / ratio
    scores = rows[:, 4:5] * rows[:, 5:]
    found = []
    for kind in range(80):
        mine = scores[:, kind] > 0.1
        if not mine.any():
            continue
        b, s = boxes[mine], scores[mine, kind]
        areas = (b[:, 2] - b[:, 0] + 1) * (b[:, 3] - b[:, 1] + 1)
        order, keep = s.argsort()[::-1], []
        while order.size:
            i, rest = order[0], order[1:]
            keep.append(i)
            w = np.maximum(0, np.minimum(b[i, 2], b[rest, 2]) - np.maximum(b[i, 0], b[rest, 0]) + 1)
            h = np.maximum(0, np.minimum(b[i, 3], b[rest, 3]) - np.maximum(b[i, 1], b[rest, 1]) + 1)
            order = rest[w * h / (areas[i] + areas[rest] - w * h) <= 0.45]
        found += [(*b[i], s[i], kind) for i in keep]
    return np.array([f[:4] for f in found if f[5] == 0 and f[4] > 0.3])


def usual_dwpose(session, frame, boxes):
    crops, at = [], []
    for box in boxes:
        centre, size = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * 1.25
        size = np.array([size[0], size[0] * 4 / 3]) if size[0] > size[1] * 0.75 else np.array([size[1] * 0.75, size[1]])
        source = np.float32([centre, centre - [0, size[0] / 2], centre - [size[0] / 2, size[0] / 2]])
        target = np.float32([[144, 192], [144, 48], [0, 48]])
        crop = cv2.warpAffine(frame, cv2.getAffineTransform(source, target), (288, 384), flags=cv2.INTER_LINEAR)
        crops.append((crop - MEAN) / DEVIATION)
        at.append((centre, size))
    planes = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)
    across, down = session.run(None, {"input": planes})
    made = []
    for k, (centre, size) in enumerate(at):
        where = np.stack([across[k].argmax(1), down[k].argmax(1)], 1).astype(np.float32)
        best_x, best_y = across[k].max(1), down[k].max(1)
        score = np.where(best_x > best_y, best_y, best_x)
        where[score <= 0] = -1
        made.append((where / 2 / (288, 384) * size + centre - size / 2, score))
    return made


def usual_yolo_input(frame):
    small = cv2.resize(frame[..., ::-1], (640, 640))
    return (np.array(small) / 255.0).transpose(2, 0, 1).astype(np.float32)


def usual_wan_crop(frame, box):
    centre = (box[:2] + box[2:]) / 2
    tall = max((box[2] - box[0]) * 4 / 3, box[3] - box[1]) * 1.25
    half = np.array([tall * 0.375, tall / 2])
    (x0, y0), (x1, y1) = np.round(centre - half).astype(int), np.round(centre + half).astype(int)
    canvas = np.zeros((y1 - y0, x1 - x0, 3), np.float32)
    part = frame[max(y0, 0) : y1, max(x0, 0) : x1]
    canvas[max(-y0, 0) : max(-y0, 0) + part.shape[0], max(-x0, 0) : max(-x0, 0) + part.shape[1]] = part
    picture = cv2.resize(canvas, (192, 256))
    normal = (picture / 255.0 - MEAN / 255) / (DEVIATION / 255)
    return normal.transpose(2, 0, 1).astype(np.float32)


def usual_dark(maps, centre, size):
    n, joints, height, width = maps.shape
    flat = maps.reshape(n, joints, -1)
    at, best = flat.argmax(2), flat.max(2)
    points = np.stack([at % width, at // width], 2).astype(np.float32)
    points[best <= 0] = -1
    for i in range(n):
        for j in range(joints):
            padded = np.zeros((height + 10, width + 10), np.float32)
            padded[5:-5, 5:-5] = maps[i, j]
            blurred = cv2.GaussianBlur(padded, (11, 11), 0)[5:-5, 5:-5].copy()
            maps[i, j] = blurred * (best[i, j] / blurred.max())
    logs = np.log(np.maximum(maps, 1e-10))
    for i in range(n):
        for j in range(joints):
            f, (x, y) = logs[i, j], (int(points[i, j, 0]), int(points[i, j, 1]))
            if 1 < x < width - 2 and 1 < y < height - 2:
                slope = np.array([[0.5 * (f[y][x + 1] - f[y][x - 1])], [0.5 * (f[y + 1][x] - f[y - 1][x])]])
                xy = 0.25 * (f[y + 1][x + 1] - f[y - 1][x + 1] - f[y + 1][x - 1] + f[y - 1][x - 1])
                xx = 0.25 * (f[y][x + 2] - 2 * f[y][x] + f[y][x - 2])
                yy = 0.25 * (f[y + 2][x] - 2 * f[y][x] + f[y - 2][x])
                if xx * yy - xy**2 != 0:
                    step = -np.linalg.inv(np.array([[xx, xy], [xy, yy]])) @ slope
                    points[i, j] += np.squeeze(step.T, axis=0)
    return points * (size[:, None] / (width, height)) + centre[:, None] - size[:, None] / 2, best


# The comparison


def best_of(rounds, ways, clock=time.thread_time):
    """Least seconds of each way, over interleaved rounds."""
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            start = clock()
            way()
            least[name] = min(least[name], clock() - start)
    return least


def arithmetic(rounds):
    """Everything but the networks, Wan's way at 1080p, one person; milliseconds a frame of one thread."""
    cv2.setNumThreads(1)
    frame = test_image(1920, 1080)
    box = np.array([700.3, 120.6, 1180.2, 1010.9])
    maps = np.clip(gauss_maps()[1:], 0, None) + 1e-4
    centres, sizes = regions(box[None], 192, 256)
    planes, square = np.empty((3, 256, 192), np.float32), np.empty((3, 640, 640), np.float32)
    pose = make_sequence(frames=30, body="adult", width=1920, height=1080)["kps"][0]
    points, scores = np.ascontiguousarray(pose[:, :2]), np.ascontiguousarray(pose[:, 2])
    usual = {
        "detector input": lambda: usual_yolo_input(frame),
        "crop": lambda: usual_wan_crop(frame, box),
        "heat maps": lambda: usual_dark(maps.copy(), centres, sizes),
        "drawing": lambda: straightforward(points, scores, (1920, 1080), "wan"),
    }
    ours = {
        "detector input": lambda: stretch_into(square, frame),
        "crop": lambda: crop_into(planes, frame, centres[0], sizes[0]),
        "heat maps": lambda: decode_heat_maps(maps, centres, sizes),
        "drawing": lambda: draw_pose(points, scores, (1920, 1080), "wan"),
    }
    near = np.abs(usual_dark(maps.copy(), centres, sizes)[0] - decode_heat_maps(maps, centres, sizes)[0])
    assert near.max() < 1e-4 * (sizes / (48, 64)).max() * 10, near.max()
    assert np.array_equal(usual["drawing"](), ours["drawing"]())
    ways = {("usual", k): w for k, w in usual.items()} | {("ours", k): w for k, w in ours.items()}
    least = {key: 1e3 * s for key, s in best_of(30 * rounds, ways).items()}
    print(f"\n{'1920x1080, ms of one thread':30s} usual   ours  ratio")
    for step in usual:
        a, b = least["usual", step], least["ours", step]
        print(f"{step:30s} {a:5.2f}  {b:5.2f}  {a / b:5.1f}")
    a = sum(least["usual", step] for step in usual)
    b = sum(least["ours", step] / (STRIDE if step == "detector input" else 1) for step in ours)
    print(f"{f'together, detector every {STRIDE}th':30s} {a:5.2f}  {b:5.2f}  {a / b:5.1f}")


class Clip:
    """Frames in memory as a `VideoSource`."""

    def __init__(self, frames):
        self.frames = frames
        self.info = VideoInfo(frames.shape[2], frames.shape[1], Fraction(24), len(frames), Fraction(1, 24))

    def chunks(self, length):
        for start in range(0, len(self.frames), length):
            yield FrameChunk(self.frames[start : start + length], start)


def end_to_end(rounds, frames, every_frame):
    """Joints and drawings of a 720p clip in memory, processor seconds of all threads."""
    still = cv2.GaussianBlur(test_image(), (0, 0), 9)
    clip = np.stack([np.roll(still, i, axis=1) for i in range(frames)])
    size = (clip.shape[2], clip.shape[1])
    with tempfile.TemporaryDirectory() as folder:
        rows, across, down = planted(*size)
        make_yolox(Path(folder) / "yolox_l.onnx", rows)
        make_dwpose(Path(folder) / "dw-ll_ucoco_384.onnx", across, down)
        finder = open_finder("yolox", lambda w: Path(folder) / w.file, "cpu")
        network = open_pose_network("dwpose", lambda w: Path(folder) / w.file, "cpu")
        detector, pose = (
            onnxruntime.InferenceSession(str(Path(folder) / f), providers=["CPUExecutionProvider"])
            for f in ("yolox_l.onnx", "dw-ll_ucoco_384.onnx")
        )
        made = {}

        def usual():
            made["usual"] = []
            for frame in clip:
                for points, scores in usual_dwpose(pose, frame, usual_boxes(detector, frame)):
                    made["usual"].append(straightforward(points, scores, size, "openpose"))

        def ours(stride=STRIDE):
            made["ours"] = []
            for start in range(0, frames, BATCH):
                part = clip[start : start + BATCH]
                found = finder.find(part[::stride])
                which = np.repeat(np.arange(len(found)), stride)[: len(part)]
                boxes = np.stack([found[k][0][0] for k in which])
                points, scores = network.estimate(part, boxes, np.arange(len(part)))
                made["ours"] += [draw_pose(p, s, size, "openpose") for p, s in zip(points, scores, strict=True)]

        def whole():
            motion = extract_people(Clip(clip), SourceFile("clip.mp4", ""), finder, network, LocalHost())
            made["whole"] = [
                draw_pose(p, s, size, "openpose") for p, s in zip(motion.main.points, motion.main.scores, strict=True)
            ]
            assert motion.main.scores.any(axis=1).all()

        ways = {"usual": usual, "networks, every 8th": ours, "whole extraction": whole}
        if every_frame:
            ways["networks, every frame"] = lambda: ours(1)
        least = best_of(rounds, ways, time.process_time)
        ours()
        same = np.mean([np.array_equal(a, b) for a, b in zip(made["usual"], made["ours"], strict=True)])
        print(f"\n1280x720, {frames} frames end to end; {same:.0%} of the drawings have equal pixels")
        for name, seconds in least.items():
            print(f"{name:30s} {seconds / frames * 1e3:7.0f} CPU ms a frame  {least['usual'] / seconds:5.2f} x")


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--frames", type=int, default=16)
    words.add_argument("--rounds", type=int, default=2)
    words.add_argument("--every-frame", action="store_true", help="ours also with the detector in every frame")
    words.add_argument("--arithmetic-only", action="store_true")
    told = words.parse_args()
    arithmetic(told.rounds)
    if not told.arithmetic_only:
        end_to_end(told.rounds, told.frames, told.every_frame)
