"""What can go wrong, as one tree; each branch carries the exit status of the command line.

    MotionTransferError
    ├── UsageError 2             the request itself makes no sense: unknown engine, setting out of range
    ├── InputError 3             an input or an output place cannot work as given
    │   ├── UnreadableVideo
    │   ├── UnreadableImage
    │   ├── NoPersonFound
    │   ├── BadMotionFile
    │   └── CannotWrite
    ├── MissingPackage 4         an optional package is not installed
    ├── MissingWeights 4         a weight file is not where it should be
    │   └── NotForCommercialUse  its licence does not allow what was asked for
    └── Cancelled 130            the user stopped the run; what was finished is kept

Every message is one line that says what was asked, what was found and what would work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .weight_files import MissingFile


class MotionTransferError(Exception):
    """Anything this package raises on purpose."""

    exit_status = 1


class UsageError(MotionTransferError):
    """The request cannot be understood or asks for a value that is not offered."""

    exit_status = 2


class InputError(MotionTransferError):
    """An input file, or the place of the output, cannot work as given."""

    exit_status = 3


class UnreadableVideo(InputError):
    """The driving video is missing, damaged, or not a video."""


class UnreadableImage(InputError):
    """The character picture is missing, damaged, or of a size that cannot work."""


class NoPersonFound(InputError):
    """Nobody was found in a picture or in a whole clip."""


class BadMotionFile(InputError):
    """A `.motion` or pose file is damaged, foreign, or claims something impossible."""


class CannotWrite(InputError):
    """The output cannot be written: read-only place, full disk, missing folder."""


class MissingPackage(MotionTransferError):
    """An optional package is needed for what was asked and is not installed."""

    exit_status = 4


class MissingWeights(MotionTransferError):
    """A weight file is needed and was not found."""

    exit_status = 4

    def __init__(self, message: str = "", missing: MissingFile | None = None) -> None:
        """`missing` is there where a host has looked for one file, so that several can be told together."""
        super().__init__(message)
        self.missing = missing


class NotForCommercialUse(MissingWeights):
    """Weights may only be used as their licence allows; whoever has others to choose from takes those."""


class Cancelled(MotionTransferError):
    """The user stopped the run; finished chunks are kept and the next run goes on from them."""

    exit_status = 130
