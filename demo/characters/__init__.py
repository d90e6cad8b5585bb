"""The demo's characters, drawn by this code alone."""

from .heroine import draw_heroine
from .mascot import draw_mascot
from .robot import draw_robot

CHARACTERS = {"mascot": draw_mascot, "heroine": draw_heroine, "robot": draw_robot}
"""By name: a function that gives RGBA uint8 [H,W,4] and the `Joints`."""
