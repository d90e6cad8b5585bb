"""Bright faces on a soft ground, their 68 points, films and motions of them: small inputs made on the spot."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np

from motion_transfer.core import FACE, Motion, PoseTrack, SourceFile, Timeline
from motion_transfer.video import file_sha256, write_image

SIZE = (160, 192)
FACE_PX = 52.0


def face_points(x, y, size=FACE_PX, *, mouth=0.0, lids=0.3):
    """float32 `[68,2]`: a face as large as `size` from brow to chin, its middle at x, y; ratios of mouth and lids."""
    p = np.zeros((68, 2))
    arc = np.linspace(np.pi, 0, 17)
    p[:17] = np.stack([0.42 * np.cos(arc), -0.1 + 0.6 * np.sin(arc)], -1)
    for start, side in ((17, -1), (22, 1)):
        across = np.linspace(0.34, 0.1, 5) if side < 0 else np.linspace(0.1, 0.34, 5)
        p[start : start + 5] = np.stack([side * across, np.full(5, -0.5)], -1)
    p[27:31] = np.stack([np.zeros(4), np.linspace(-0.3, 0.0, 4)], -1)
    p[31:36] = np.stack([np.linspace(-0.1, 0.1, 5), np.full(5, 0.06)], -1)
    for start, middle in ((36, -0.2), (42, 0.2)):
        h = lids * 0.16 / 2
        p[start : start + 6] = [(middle - 0.08, -0.32), (middle - 0.03, -0.32 - h), (middle + 0.03, -0.32 - h), (middle + 0.08, -0.32), (middle + 0.03, -0.32 + h), (middle - 0.03, -0.32 + h)]  # fmt: skip
    gap = mouth * 0.36 / 2
    turn = np.linspace(np.pi, -np.pi, 13)[:12]
    p[48:60] = np.stack([0.18 * np.cos(turn), 0.25 - (0.06 + gap) * np.sin(turn)], -1)
    inner = np.linspace(np.pi, -np.pi, 9)[:8]
    p[60:68] = np.stack([0.14 * np.cos(inner), 0.25 - gap * np.sin(inner)], -1)
    return (p * size + (x, y)).astype(np.float32)


def path(num_frames, size=SIZE):
    """Where a face is in each frame, float64 `[T,2]`, and how far the mouth is open, `[T]`."""
    t = np.arange(num_frames)
    at = np.stack([size[0] / 2 + 6 * np.sin(t / 5), size[1] / 2 + 4 * np.sin(t / 3)], -1)
    return at, 0.2 * (1 + np.sin(t / 2))


def picture(places, size=SIZE, face_px=FACE_PX):
    """uint8 `[H,W,3]` with a bright blob at each of `places`."""
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    ground = np.stack([60 + 50 * x / size[0], 70 + 40 * y / size[1], 90 + 0 * x], -1)
    for cx, cy in places:
        blob = np.exp(-(((x - cx) / (0.42 * face_px)) ** 2 + ((y - cy) / (0.55 * face_px)) ** 2))
        ground += blob[..., None] * np.array([110, 90, 80], np.float32)
    return np.clip(np.rint(ground), 0, 255).astype(np.uint8)


def track(num_frames, size=SIZE, *, scale=1.0, shift=(0.0, 0.0), unseen=()):
    at, mouth = path(num_frames, size)
    points = np.zeros((num_frames, 133, 2), np.float32)
    scores = np.full((num_frames, 133), 0.9, np.float32)
    for k, (x, y) in enumerate(at + np.array(shift)):
        points[k, FACE] = face_points(x, y, FACE_PX * scale, mouth=mouth[k], lids=0.3 if k % 9 else 0.05)
        points[k, :23] = points[k, FACE].mean(0)
    for k in unseen:
        scores[k, FACE], points[k, FACE] = 0, 0
    return PoseTrack(points, scores, size)


def write_film(path_, num_frames, *, rate=25, size=SIZE, sound=True, gone=(), shifts=((0.0, 0.0),)):
    """The face's way as a lossless film with a tone."""
    at, _ = path(num_frames, size)
    with av.open(str(path_), "w") as out:
        video = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "qp": "0"})
        video.width, video.height, video.pix_fmt = *size, "yuv444p"
        tone = out.add_stream("aac", rate=44100) if sound else None
        for k in range(num_frames):
            places = [] if k in gone else [at[k] + np.array(s) for s in shifts]
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture(places, size), format="rgb24")))
        out.mux(video.encode(None))
        if tone is not None:
            wave = (0.2 * np.sin(np.arange(int(44100 * num_frames / rate)) / 16)).astype(np.float32)[None]
            for start in range(0, wave.shape[1], 1024):
                block = np.ascontiguousarray(wave[:, start : start + 1024])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                frame.rate, frame.pts = 44100, start
                out.mux(tone.encode(frame))
            out.mux(tone.encode(None))
    return path_


def motion_of(film, num_frames, *, rate=25, size=SIZE, unseen=(), cuts=(), people=((0.0, 0.0),), codes=None):
    """The motion that a detector would find in `write_film`'s film."""
    source = SourceFile(str(film), file_sha256(film), True) if film is not None else SourceFile("gone.mp4", "0" * 64)
    tracks = tuple(track(num_frames, size, shift=shift, unseen=unseen) for shift in people)
    return Motion(tracks, Timeline.constant(num_frames, Fraction(rate)), source, "made-1", tuple(cuts), codes or {})


def write_portrait(path_, places=((80.0, 96.0),), size=SIZE):
    write_image(path_, picture(places, size))
    return path_


class FaceDetector:
    """Finds the blob by its brightness; nobody in frames that have none."""

    id = "blob-1"
    opened = 0

    def __init__(self):
        type(self).opened += 1

    def detect(self, frames):
        points, scores = np.zeros((len(frames), 133, 2), np.float32), np.zeros((len(frames), 133), np.float32)
        for k, frame in enumerate(frames):
            bright = cv2.GaussianBlur(frame[..., 0], (0, 0), 3).astype(np.float32)
            y, x = np.unravel_index(int(bright.argmax()), bright.shape)
            if bright[y, x] > 150:
                points[k, FACE] = face_points(float(x), float(y))
                points[k, :23], scores[k] = (x, y), 0.9
        return points, scores

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        pass
