"""A character IMAGE with its joints, found the way the run finds them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from comfy_api.latest import Input

from ..core import Character
from ..pose.character_pose import find_character_pose
from ..run.prepare import networks_for_still
from ..video import read_character
from .comfy_host import ComfyHost
from .pictures import character_mask, first_picture
from .places import mask_file, picture_file


def character_with_pose(images: Input.Image, mask: Input.Mask | None, host: ComfyHost) -> Character:
    """Raises NoPersonFound where neither a person nor a silhouette with limbs is seen."""
    picture = picture_file(*first_picture(images))
    known = character_mask(mask)
    character = read_character(picture, mask=None if known is None else mask_file(known))
    with ExitStack() as lent:
        pose = find_character_pose(
            character, host.note, otherwise=lambda: networks_for_still("auto", host, host.note, lent)
        )
    return replace(character, pose=pose)
