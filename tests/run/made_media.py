"""Small inputs made on the spot: a clip with sound, a character, a motion, a detector that always sees the same."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from motion_transfer.core import Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.video import write_image

SIZE = (96, 128)


def write_clip(path, *, num_frames=23, size=SIZE, rate=25, sound=True):
    """A moving pattern; the sound is a tone in the codec that the container likes."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = size[0], size[1], "yuv420p"
        tone = out.add_stream("aac", rate=44100) if sound else None
        for k in range(num_frames):
            y, x = np.mgrid[: size[1], : size[0]]
            pixels = np.stack([(x + 3 * k) % 256, (y + 2 * k) % 256, (x + y) % 256], axis=-1).astype(np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(video.encode(None))
        if tone is not None:
            time = np.arange(int(44100 * num_frames / rate)) / 44100
            wave = (0.2 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)[None]
            for start in range(0, wave.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(wave[:, start : start + 1024]), format="fltp", layout="mono"
                )
                frame.rate, frame.pts = 44100, start
                out.mux(tone.encode(frame))
            out.mux(tone.encode(None))
    return path


def write_picture(path, *, size=(97, 129), alpha=True, shift=0):
    """A blob on nothing, of odd size."""
    y, x = np.mgrid[: size[1], : size[0]]
    rgb = np.stack([(2 * x + shift) % 256, (2 * y) % 256, (x * y // 64) % 256], axis=-1).astype(np.uint8)
    inside = ((x - size[0] / 2) / (size[0] * 0.4)) ** 2 + ((y - size[1] / 2) / (size[1] * 0.45)) ** 2 < 1
    seen = np.where(inside, 255, 0).astype(np.uint8)
    write_image(path, np.dstack([rgb, seen]) if alpha else rgb)
    return path


def make_track(num_frames, size=SIZE, seed=0):
    random = np.random.default_rng(seed)
    points = np.cumsum(random.uniform(-1, 1, (num_frames, 133, 2)), axis=0) + random.uniform(20, 76, (1, 133, 2))
    return PoseTrack(points.astype(np.float32), np.full((num_frames, 133), 0.9, np.float32), size)


def make_motion(num_frames=23, *, source=None, rate=25, size=SIZE, seed=0):
    source = source or SourceFile("nowhere.mp4", "0" * 64)
    return Motion(
        (make_track(num_frames, size, seed),), Timeline.constant(num_frames, Fraction(rate)), source, "made-1"
    )


class SameDetector:
    """Sees a person in every frame, wherever the pixels' mean says."""

    id = "same-1"
    opened = 0

    def __init__(self):
        type(self).opened += 1

    def detect(self, frames):
        points = np.stack(
            [np.full((133, 2), f.mean() / 4, np.float32) + np.arange(266).reshape(133, 2) / 8 for f in frames]
        )
        return points.astype(np.float32), np.full((len(frames), 133), 0.9, np.float32)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        pass
