"""Makes `demo/media/dancer.mp4` and `dancer_truth.npz` anew: `python -m demo.dancer` in the repository's root.

Two minutes on two cores. The same machine and packages give the same bytes; other codec builds give
another file with the same picture.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from .body import dancer_at, dancer_patches
from .choreography import FRAMES_PER_SECOND, NUM_FRAMES, beat_of_frame
from .music import SAMPLES_PER_SECOND, make_music
from .render import Camera, render
from .truth import project_joints, visible_joints

MEDIA = Path(__file__).resolve().parent.parent / "media"


def make_frame(frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Picture uint8 [H,W,3], points float32 [133,2], visible bool [133], contact bool [2] (left, right foot)."""
    camera = Camera()
    pose, fig = dancer_at(beat_of_frame(frame))
    picture, buffers = render(dancer_patches(pose, fig), camera)
    xy, depth = project_joints(pose, fig, camera)
    contact = np.array([pose.feet["left"].contact, pose.feet["right"].contact])
    return picture, xy.astype(np.float32), visible_joints(xy, depth, buffers), contact


def write_clip(path: Path, frames: list[np.ndarray], sound: np.ndarray) -> None:
    """H.264 and AAC, colours tagged BT.709."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        video = out.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        # One thread: the same pictures always give the same bytes.
        video.options = {"crf": "19", "preset": "slow", "threads": "1", "x264-params": "threads=1"}
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = 1  # BT.709
        context.color_range = 1  # limited
        audio = out.add_stream("aac", rate=SAMPLES_PER_SECOND)
        audio.layout = "stereo"  # type: ignore[attr-defined]
        audio.bit_rate = 128_000
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            out.mux(video.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")))
        out.mux(video.encode(None))
        for start in range(0, sound.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, start : start + 1024]), "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLES_PER_SECOND, start, Fraction(1, SAMPLES_PER_SECOND)
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the demo's dancer and writes down where every joint is.")
    parser.add_argument("--out", type=Path, default=MEDIA)
    parser.add_argument("--every", type=int, default=1, help="only each n-th frame, for a quick look")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(chosen.workers) as pool:
        made = list(pool.map(make_frame, range(0, NUM_FRAMES, chosen.every)))
    pictures, points, visible, contact = (list(part) for part in zip(*made, strict=True))
    write_clip(chosen.out / "dancer.mp4", pictures, make_music())
    np.savez_compressed(
        chosen.out / "dancer_truth.npz",
        points=np.stack(points), visible=np.stack(visible), contact=np.stack(contact), fps=np.float64(FRAMES_PER_SECOND),
    )  # fmt: skip
    print(f"{len(pictures)} frames in {chosen.out / 'dancer.mp4'}")


if __name__ == "__main__":
    main()
