"""What ComfyUI calls the settings that messages from below name, or what does the same there; see `core/wording.py`."""

from __future__ import annotations

from ..core.wording import in_words_of

INPUTS = {
    "audio_file": "Create Video's audio input",
    "character": "the picture input",
    "character_pose": "Motion Transfer's character_pose input",
    "mask": "the mask input, where the node has one",
    "original": "the original input",
    "output": "another filename_prefix",
    "overwrite": "delete that file first",
    "person": "the person input, or Pick Person",
    "quality": "the quality input",
    "rate": "the frame_rate input",
    "resolution": "the resolution input",
    "start_seconds": "Trim Video's start_time",
    "stop_seconds": "Trim Video's duration",
    "weights_folders": "ComfyUI's models folders",
    "work_dir": "ComfyUI's user folder",
}


def as_inputs(message: str) -> str:
    """`message` as somebody in ComfyUI acts on it: 'a mask (the mask input, where the node has one)'."""
    return in_words_of(_input, message)


def _input(name: str, value: str | None) -> str:
    """Settings of engines and finishers have inputs of their own name."""
    said = INPUTS.get(name, name)
    return said if value is None else f"{said}: {value}"
