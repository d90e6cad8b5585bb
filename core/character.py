"""The character: the picture that shall move, with what is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .media import VideoSource
from .motion import Motion, PoseTrack


@dataclass(frozen=True)
class CharacterFilm:
    """A character that is a film, for engines that take one: both at the size of the character's picture."""

    frames: VideoSource
    motion: Motion
    """The character's own, frame for frame; its timeline is that of the frames."""


@dataclass(frozen=True)
class Character:
    """Prepared by the run (read, scaled, cut out, joints found) before an engine sees it."""

    pixels: np.ndarray
    """uint8 `[H,W,3]` RGB, straight colours (what lies under transparent pixels is kept)."""
    sha256: str
    """Of the file, or of the pixels where there was no file."""
    alpha: np.ndarray | None = None
    """uint8 `[H,W]`, 255 = the character: from the file, a given mask or segmentation; None = not known."""
    pose: PoseTrack | None = None
    """One frame of joints in pixels of this very picture; None = not known."""
    name: str = "character"
    has_background: bool = True
    """False where the picture's own transparency leaves nothing to be seen behind the character."""
    film: CharacterFilm | None = None
    """Where the character is a film; `pixels` and `pose` are those of its first frame."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"a character is uint8 [H,W,3], not {self.pixels.dtype} {list(self.pixels.shape)}")
        if self.alpha is not None and (self.alpha.shape != self.pixels.shape[:2] or self.alpha.dtype != np.uint8):
            raise ValueError(f"alpha is uint8 {list(self.pixels.shape[:2])}, not {list(self.alpha.shape)}")
        if self.pose is not None and (self.pose.num_frames != 1 or self.pose.size != self.size):
            raise ValueError(f"a character has one pose on its own {self.size}, not {self.pose}")

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    def __repr__(self) -> str:
        known = [w for w, v in (("alpha", self.alpha), ("pose", self.pose)) if v is not None]
        return f"Character({self.name!r}, {self.size[0]}x{self.size[1]}{' with ' + ', '.join(known) if known else ''})"
