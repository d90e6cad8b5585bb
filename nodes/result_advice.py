"""What to try where a result deserves a look, in the words of ComfyUI's nodes and inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..run.report_marks import Mark


def what_to_try_here(mark: Mark, engine: str, name: str) -> str:
    """A sentence for who made `name` with `engine`; the sibling of `report_marks.what_to_try`."""
    if mark.measure in ("frames", "sound"):
        return f"make it again; another seed writes another file than {name}."
    if mark.measure == "flicker":
        return "Settle Flicker (Video), or Finish Video with settle_flicker 1 on Motion Transfer's finishing input."
    return _ADVICE.get((mark.measure, engine)) or _ADVICE.get((mark.measure, "")) or "another seed."


_WAN_POSE = "another seed, or pose_strength 1.3."
_WAN_LOOK = "drift_lock full, or Match Colour (Video) behind it."
_WAN_SEAM = "overlap 5 with drift_lock full."
_ADVICE = {
    ("pose", "puppet"): "look at the joints with Retarget Motion's preview, or give them on the character_pose input.",
    ("pose", "wan-animate"): _WAN_POSE,
    ("pose", "wan-animate-replace"): _WAN_POSE,
    ("pose", "mimic-motion"): "another seed, or pose_strength 1.0.",
    ("pose", ""): "another seed, or a stretch of the driving video in which the person is seen better.",
    ("look", "wan-animate"): _WAN_LOOK,
    ("look", "wan-animate-replace"): _WAN_LOOK,
    ("look", ""): "Match Colour (Video), which holds the colours to its picture input.",
    ("seam", "wan-animate"): _WAN_SEAM,
    ("seam", "wan-animate-replace"): _WAN_SEAM,
    ("seam", "mimic-motion"): "overlap 10, so that tiles and sections share more frames.",
    ("seam", "animate-diff"): "a longer section, so that there are fewer seams.",
    ("seam", "puppet"): "the puppet has no seams of its own: look at the driving video there with Check Driving Video.",
}
