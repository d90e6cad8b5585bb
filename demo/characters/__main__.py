"""Draws the demo's characters into `demo/media/`: `python -m demo.characters` in the repository's root."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2

from . import CHARACTERS

MEDIA = Path(__file__).resolve().parent.parent / "media"


def main() -> None:
    parser = argparse.ArgumentParser(description="Draws the demo's characters and writes down where their joints are.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CHARACTERS)}; all when none is named")
    parser.add_argument("--out", type=Path, default=MEDIA)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or CHARACTERS:
        picture, joints = CHARACTERS[name]()
        if (picture[..., 3] == 255).all():
            picture = picture[..., :3]
        order = [2, 1, 0, 3][: picture.shape[2]]
        cv2.imwrite(str(chosen.out / f"{name}.png"), picture[..., order], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        joints.write(chosen.out / f"{name}_truth.json")
        print(f"{chosen.out / name}.png")


if __name__ == "__main__":
    main()
