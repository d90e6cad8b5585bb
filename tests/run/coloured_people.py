"""A film of two coloured blocks that walk, and networks of a few lines that take each block for a person."""

from __future__ import annotations

import av
import numpy as np

COLOURS = np.array([[220, 40, 40], [40, 60, 220]])
SIZE = (160, 96)


def write_two_people(path, *, num_frames=32, rate=25):
    """Red, larger, from left to the middle; blue, smaller, at the right."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        for k in range(num_frames):
            frame = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
            frame[16:80, 40 + k // 2 : 64 + k // 2] = COLOURS[0]
            frame[40:80, 120:136] = COLOURS[1]
            out.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(video.encode(None))
    return path


def blocks(frame):
    """Box x0 y0 x1 y1 of each colour, None where it is not seen."""
    found = []
    for colour in COLOURS:
        rows, columns = np.nonzero((np.abs(frame.astype(int) - colour) < 60).all(axis=2))
        found.append(
            np.array([columns.min(), rows.min(), columns.max(), rows.max()], float) if len(rows) > 60 else None
        )
    return found


class BlockFinder:
    id, provider, module = "blocks", "StubExecutionProvider", None
    opened = 0

    def find(self, frames):
        boxes = [np.array([b for b in blocks(f) if b is not None], np.float32).reshape(-1, 4) for f in frames]
        return [(b, np.full(len(b), 0.9, np.float32)) for b in boxes]

    def close(self):
        pass


class BlockPose(BlockFinder):
    id = "block-pose"

    def estimate(self, frames, boxes, frame_of):
        random = np.random.default_rng(1)
        shape = random.uniform(0, 1, (133, 2))
        shape[:4] = [[0, 0], [1, 0], [0, 1], [1, 1]]  # the joints reach to the block's corners
        points, scores = np.zeros((len(boxes), 133, 2), np.float32), np.zeros((len(boxes), 133), np.float32)
        for k, (box, f) in enumerate(zip(boxes, frame_of, strict=True)):
            near = [(np.abs((b[:2] + b[2:]) / 2 - (box[:2] + box[2:]) / 2).sum(), i) for i, b in enumerate(blocks(frames[f])) if b is not None]  # fmt: skip
            if near and min(near)[0] < 20:
                b = blocks(frames[f])[min(near)[1]]
                points[k], scores[k] = b[:2] + shape * (b[2:] - b[:2]), 0.9
        return points, scores
