"""Who is to drive, as a job says it: masks are read here, and MediaPipe is shown whom to follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core import Motion, PersonChoice, Timeline, UsageError, VideoSource
from ..pose.cast import choose_person
from ..video.picture import read_mask
from .digests import array_digest


def read_choice(person: str | PersonChoice) -> PersonChoice:
    """The choice with its mask, where it names one. UsageError for words that mean nobody, UnreadableImage."""
    choice = PersonChoice.parse(person) if isinstance(person, str) else person
    if choice.kind == "mask" and choice.mask is None:
        return choice.with_mask(read_mask(choice.mask_file))
    return choice


def absolute_choice(person: str) -> str:
    """The same words, meaning the same from any folder."""
    choice = PersonChoice.parse(person)
    if choice.kind != "mask":
        return person
    return str(replace(choice, mask_file=str(Path(choice.mask_file).absolute())))


def choice_key(choice: PersonChoice) -> list[str]:
    """Plain values that are the same for the same place, wherever the mask lies."""
    return [str(replace(choice, mask_file="mask") if choice.kind == "mask" else choice), array_digest(choice.mask)]


def chosen(motion: Motion, choice: PersonChoice) -> Motion:
    """A motion keeps the order in which it was saved, unless somebody is asked for."""
    return motion if choice.kind == "auto" else choose_person(motion, choice)


def check_one_person(detector: str, choice: PersonChoice) -> None:
    """UsageError if a detector that follows one person is asked for the second."""
    if choice.kind == "index" and choice.index > 1:
        raise UsageError(
            f"Person {choice.index} was asked for, but {detector} follows one person. Point at whom you mean "
            f"(point:x,y@frame, box:..., mask:...), or take a detector that follows everybody, such as dwpose."
        )


def show_whom(detector: Any, name: str, choice: PersonChoice, video: VideoSource) -> None:
    """Have a detector of one person follow whoever is at a place. Raises NoPersonFound, UsageError."""
    if not choice.is_place:
        return
    choose = getattr(detector, "choose", None)
    if choose is None:
        raise UsageError(
            f"{name} cannot be shown whom to follow; the MediaPipe 0.10.21 that brings its models can, and so can dwpose."
        )
    choice.check_within((video.info.width, video.info.height))
    index = choice.at(_timeline(video, choice))
    chunk = next(iter(video.chunks(1, start=index)), None)
    if chunk is None:
        raise UsageError(f"The person is chosen in frame {index}, but the clip is shorter.")
    frame = chunk.pixels[0]
    choose(frame if frame.dtype.kind == "u" else (frame.clip(0, 1) * 255 + 0.5).astype("uint8"), choice, index)


def _timeline(video: VideoSource, choice: PersonChoice) -> Timeline:
    known = getattr(video, "timeline", None)
    if callable(known):
        return known()  # type: ignore[no-any-return]
    return Timeline.constant(video.info.num_frames or choice.frame + 1, video.info.rate)
