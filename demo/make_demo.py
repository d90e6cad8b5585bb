"""`make demo`: the bundled dancer moves the bundled characters, by the commands that a user would type.

Writes demo/*.mp4 with sound, demo/dancer.motion and demo/contact_sheet.png. Run it again and the motion is
found, not extracted; break it with Ctrl-C and it goes on.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from motion_transfer.cli.main import main
from motion_transfer.video import open_video, write_image

DEMO = Path(__file__).resolve().parent
CHARACTERS = tuple(n for n in ("heroine", "mascot", "robot") if (DEMO / "media" / f"{n}.png").is_file())
MOMENTS = 7
TILE_HEIGHT_PX = 260


def say_and_run(*words: str) -> None:
    print("\n$ motion-transfer " + " ".join(words), flush=True)
    status = main(words)
    if status:
        sys.exit(status)


def tiles(path: Path, crop_to: float | None = None) -> np.ndarray:
    """Frames spread over the clip side by side, uint8 `[h,w,3]`; `crop_to` is width over height of a tile."""
    source = open_video(path)
    total = sum(chunk.num_frames for chunk in source.chunks(16))
    wanted = np.linspace(0, total - 1, MOMENTS).round().astype(int)
    row = []
    for chunk in source.chunks(16):
        for t in wanted[(wanted >= chunk.start) & (wanted < chunk.stop)]:
            frame = chunk.pixels[t - chunk.start]
            if crop_to is not None:
                width = int(frame.shape[0] * crop_to)
                left = (frame.shape[1] - width) // 2
                frame = frame[:, left : left + width]
            size = (round(frame.shape[1] * TILE_HEIGHT_PX / frame.shape[0]), TILE_HEIGHT_PX)
            row.append(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    return np.hstack(row)


def contact_sheet(paths: list[Path]) -> np.ndarray:
    """One row per clip; the dancer's row is cropped to the characters' shape."""
    first = open_video(paths[1]).info
    rows = [tiles(paths[0], crop_to=first.width / first.height)] + [tiles(p) for p in paths[1:]]
    width = min(r.shape[1] for r in rows)
    return np.vstack([r[:, :width] for r in rows])


def demo() -> None:
    begun = time.monotonic()
    os.chdir(DEMO.parent)
    say_and_run("check", "demo/media/dancer.mp4")
    say_and_run("extract", "demo/media/dancer.mp4", "-o", "demo/dancer.motion", "--overwrite")
    for name in CHARACTERS:
        say_and_run("run", f"demo/media/{name}.png", "demo/dancer.motion", "-o", f"demo/{name}.mp4", "--overwrite")
    sheet = DEMO / "contact_sheet.png"
    write_image(sheet, contact_sheet([DEMO / "media" / "dancer.mp4", *(DEMO / f"{n}.mp4" for n in CHARACTERS)]))
    made = [*(f"demo/{n}.mp4" for n in CHARACTERS), "demo/contact_sheet.png"]
    print(f"\nMade {', '.join(made)} in {time.monotonic() - begun:.0f} s. Look at them.")


if __name__ == "__main__":
    demo()
