"""The demo's characters, drawn by this code alone."""

from collections.abc import Callable

import numpy as np

from .heroine import draw_heroine
from .joints import Joints
from .mascot import draw_mascot
from .robot import draw_robot

Drawn = tuple[np.ndarray, Joints]


def _on_white(draw: Callable[[], Drawn]) -> Callable[[], Drawn]:
    """White under what is transparent: programs that drop the alpha channel, ComfyUI's Load Image too, show it."""

    def drawn() -> Drawn:
        picture, joints = draw()
        picture = picture.copy()
        picture[picture[..., 3] == 0, :3] = 255
        return picture, joints

    return drawn


CHARACTERS = {"mascot": _on_white(draw_mascot), "heroine": draw_heroine, "robot": _on_white(draw_robot)}
"""By name: a function that gives RGBA uint8 [H,W,4] and the `Joints`."""
