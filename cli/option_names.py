"""What the command line calls the settings that messages from below name; see `core/wording.py`."""

from __future__ import annotations

OPTIONS = {
    "audio_file": "--audio",
    "character": "--character",
    "character_pose": "--character-pose",
    "mask": "--mask",
    "original": "--original",
    "output": "-o",
    "overwrite": "--overwrite",
    "person": "--person",
    "quality": "--quality",
    "rate": "--rate",
    "resolution": "--resolution",
    "start_seconds": "--start",
    "stop_seconds": "--stop",
    "weights_folders": "--weights",
    "work_dir": "--work-dir",
}


def as_options(message: str) -> str:
    """`message` as somebody at a terminal acts on it: 'its joints (--character-pose)'."""
    from ..core.wording import in_words_of  # here, so that --help loads nothing

    return in_words_of(_option, message)


def _option(name: str, value: str | None) -> str:
    if name not in OPTIONS:  # a setting of the engine or finisher
        return f"--set {name}{'' if value is None else f'={value}'}"
    return OPTIONS[name] if value is None else f"{OPTIONS[name]} {value}"
