"""Processor time per frame of what the finishers do around and without networks, one thread.

    python benchmarks/finishing_speed.py [film]      the bundled dancer otherwise

Faces: everything but the network, which stands for itself by handing back what it gets.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.core import Character, FrameChunk, Timeline
from motion_transfer.finishing.face_align import TEMPLATE_PX
from motion_transfer.finishing.finisher import Clip, Finisher
from motion_transfer.finishing.match_colour import MatchColour, MatchColourSettings
from motion_transfer.finishing.region_paste import box_of_pixels, box_weight, paste_region
from motion_transfer.finishing.restore_faces import RESTORER, RestoreFaces, RestoreFacesSettings
from motion_transfer.finishing.settle_flicker import SettleFlicker, SettleFlickerSettings
from motion_transfer.run.host import LocalHost
from motion_transfer.video import open_video

FILM = Path(__file__).resolve().parents[1] / "demo" / "media" / "dancer.mp4"
FRAMES = 16


class Same:
    def restore(self, crop: np.ndarray, host: object) -> np.ndarray:
        return crop.astype(np.float32)


class Lending(LocalHost):
    def lend(self, what: str) -> object:
        return Same() if what == RESTORER else None


def main() -> None:
    cv2.setNumThreads(1)
    pixels = next(iter(open_video(sys.argv[1] if len(sys.argv) > 1 else FILM).chunks(FRAMES))).pixels
    size, host = (pixels.shape[2], pixels.shape[1]), Lending(device="cpu")
    clip = Clip(size, Timeline.constant(len(pixels), Fraction(24)), (), Character(pixels[0] // 2, "0" * 64))
    print(f"{size[0]}x{size[1]}, {len(pixels)} frames, ms of processor time a frame")
    points = np.repeat((TEMPLATE_PX * 0.35 + 100)[None], len(pixels), axis=0)[None].astype(np.float32)
    faces = {"points": points, "seen": np.ones(points.shape[:2], bool)}
    timed("settle-flicker", SettleFlicker(SettleFlickerSettings(), host), clip, pixels)
    timed("settle-flicker with texture", SettleFlicker(SettleFlickerSettings(texture=1.0), host), clip, pixels)
    timed("match-colour", MatchColour(MatchColourSettings(to="character"), host), clip, pixels)
    timed("restore-faces, a face of 180 px", RestoreFaces(RestoreFacesSettings(), host), clip, pixels, faces)
    box = box_of_pixels(100, 100, 512, 512)
    weight = box_weight(box, size, 50)
    start = time.process_time()
    for frame in pixels:
        paste_region(frame, pixels[0][:512, :512], box, weight, match=0.5)
    print(f"  {'paste-back of 512 x 512 px':34} {1e3 * (time.process_time() - start) / len(pixels):7.1f}")


def timed(name: str, finisher: Finisher, clip: Clip, pixels: np.ndarray, found: dict[str, np.ndarray] | None = None) -> None:  # fmt: skip
    start = time.process_time()
    survey = found or dict(finisher.survey(clip, iter([FrameChunk(pixels, 0)])))
    middle = time.process_time()
    finisher.begin(clip, survey)
    finisher.finish(FrameChunk(pixels, 0), 0, len(pixels))
    end = time.process_time()
    looking = "" if found else f"   and {1e3 * (middle - start) / len(pixels):.1f} for the survey"
    print(f"  {name:34} {1e3 * (end - middle) / len(pixels):7.1f}{looking}")


if __name__ == "__main__":
    main()
