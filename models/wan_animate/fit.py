"""How a picture of one size lies on a canvas of another: letter-boxed as the original does it, or as the peers do.

Coordinates have pixel centres at integers, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ...core import PoseTrack, UsageError

SIZE_MULTIPLE = 16
FITS = ("letterbox", "crop", "stretch")


@dataclass(frozen=True)
class Placing:
    """Where a picture lies on a canvas; sizes are width, height in px."""

    picture: tuple[int, int]
    canvas: tuple[int, int]
    scaled: tuple[int, int]
    """The picture's size on the canvas; larger than it where it is cropped."""
    left: int
    top: int
    """Of the scaled picture on the canvas; negative where it is cropped."""

    def lay(self, pixels: np.ndarray, paper: int = 0) -> np.ndarray:
        """The canvas, of `pixels` `[H,W]` or `[H,W,3]`; `paper` fills what it does not cover."""
        if self.picture == self.canvas:
            return pixels
        width, height = self.scaled
        shrinks = width < self.picture[0] or height < self.picture[1]
        small = pixels
        if self.scaled != self.picture:
            # Areas when shrinking: the original's bilinear reads a few pixels of each area, which flickers.
            small = cv2.resize(pixels, self.scaled, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        out = np.full((self.canvas[1], self.canvas[0], *pixels.shape[2:]), paper, pixels.dtype)
        x0, y0 = max(self.left, 0), max(self.top, 0)
        part = small[y0 - self.top : self.canvas[1] - self.top, x0 - self.left : self.canvas[0] - self.left]
        out[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]] = part
        return out

    def move(self, track: PoseTrack) -> PoseTrack:
        """The joints of the picture on the canvas."""
        if self.picture == self.canvas and track.size == self.canvas:
            return track
        factor = np.array([self.scaled[0] / track.size[0], self.scaled[1] / track.size[1]])
        points = (track.points + 0.5) * factor - 0.5 + np.array([self.left, self.top])
        return replace(track, points=points.astype(np.float32), size=self.canvas)


def place(picture: tuple[int, int], canvas: tuple[int, int], fit: str = "letterbox") -> Placing:
    """'letterbox': all of the picture, bars beside it; 'crop': no bars, its border lost; 'stretch': both, distorted."""
    if fit not in FITS:
        raise UsageError(f"There is no fit {fit!r}; there are {', '.join(FITS)}.")
    ratios = canvas[0] / picture[0], canvas[1] / picture[1]
    if fit == "stretch":
        scaled = canvas
    else:
        factor = min(ratios) if fit == "letterbox" else max(ratios)
        scaled = (max(1, round(picture[0] * factor)), max(1, round(picture[1] * factor)))
    return Placing(picture, canvas, scaled, (canvas[0] - scaled[0]) // 2, (canvas[1] - scaled[1]) // 2)


def check_size(size: tuple[int, int]) -> None:
    """UsageError unless both sides can be cut into the model's tokens."""
    if any(side % SIZE_MULTIPLE or side < SIZE_MULTIPLE for side in size):
        better = "x".join(str(max(SIZE_MULTIPLE, side // SIZE_MULTIPLE * SIZE_MULTIPLE)) for side in size)
        raise UsageError(
            f"Wan-Animate needs sides divisible by {SIZE_MULTIPLE}, not {size[0]}x{size[1]}; {better} would do."
        )
