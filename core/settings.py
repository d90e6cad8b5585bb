"""Settings that describe themselves: one dataclass per engine, with range, unit and help beside each default.

Node widgets, command-line flags, tooltips, help pages and checks are all made from these records, so
a default is written once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from .errors import UsageError

Plain = bool | int | float | str
_KEY = "motion_transfer.option"
MAX_TEXT = 4000
"""Characters of a text setting; far more than any text encoder reads."""


@dataclass(frozen=True)
class Option:
    """One setting, as a user interface needs to know it."""

    kind: Literal["number", "whole", "choice", "switch", "text"]
    default: Plain
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    advanced: bool = False
    name: str = ""

    @property
    def allowed(self) -> str:
        """What may be given, for people: '0 to 10 px'."""
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind == "switch":
            return "true or false"
        if self.kind == "text":
            return f"text of at most {MAX_TEXT} characters"
        return f"{_short(self.minimum)} to {_short(self.maximum)}{' ' + self.unit if self.unit else ''}"

    def read(self, value: object) -> Plain:
        """`value` (perhaps text from a command line) as the right type; UsageError says what would work."""
        if self.kind == "text":
            if not isinstance(value, str) or len(value) > MAX_TEXT:
                raise self._refuse(value if not isinstance(value, str) else f"{value[:20]}...")
            return value.strip()
        if self.kind == "switch":
            if isinstance(value, bool):
                return value
            word = str(value).strip().lower()
            if word in ("true", "yes", "on", "1"):
                return True
            if word in ("false", "no", "off", "0"):
                return False
            raise self._refuse(value)
        if self.kind == "choice":
            word = str(value).strip()
            if word not in self.choices:
                raise self._refuse(value)
            return word
        if isinstance(value, bool):
            raise self._refuse(value)
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise self._refuse(value) from None
        assert self.minimum is not None and self.maximum is not None
        if not self.minimum <= number <= self.maximum:  # also refuses nan
            raise self._refuse(value)
        if self.kind == "whole":
            if number != int(number):
                raise self._refuse(value)
            return int(number)
        return number

    def _refuse(self, value: object) -> UsageError:
        kind = "a whole number, " if self.kind == "whole" else ""
        return UsageError(
            f"{self.name} is {value!r}, but takes {kind}{self.allowed}; the default is {_short(self.default) or 'empty'}."
        )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def number(
    default: float,
    minimum: float,
    maximum: float,
    *,
    help: str,
    step: float = 0.05,
    unit: str = "",
    advanced: bool = False,
) -> Any:
    """A real number in a closed range."""
    option = Option("number", float(default), help, minimum, maximum, step, unit, advanced=advanced)
    return dataclasses.field(default=float(default), metadata={_KEY: option})


def whole(
    default: int, minimum: int, maximum: int, *, help: str, step: int = 1, unit: str = "", advanced: bool = False
) -> Any:
    """A whole number in a closed range."""
    option = Option("whole", default, help, minimum, maximum, step, unit, advanced=advanced)
    return dataclasses.field(default=default, metadata={_KEY: option})


def choice(default: str, choices: tuple[str, ...], *, help: str, advanced: bool = False) -> Any:
    """One of a few words."""
    return dataclasses.field(
        default=default, metadata={_KEY: Option("choice", default, help, choices=choices, advanced=advanced)}
    )


def switch(default: bool, *, help: str, advanced: bool = False) -> Any:
    """On or off."""
    return dataclasses.field(default=default, metadata={_KEY: Option("switch", default, help, advanced=advanced)})


def text(default: str, *, help: str, advanced: bool = False) -> Any:
    """Words, such as a prompt; spaces around them do not count."""
    return dataclasses.field(default=default, metadata={_KEY: Option("text", default, help, advanced=advanced)})


S = TypeVar("S", bound="Settings")


@dataclass(frozen=True)
class Settings:
    """Base of every engine's settings. Checked when made; UsageError names the field and its range."""

    def __post_init__(self) -> None:
        for option in self.options():
            object.__setattr__(self, option.name, option.read(getattr(self, option.name)))

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """The fields in order, each with its name filled in."""
        return tuple(dataclasses.replace(f.metadata[_KEY], name=f.name) for f in dataclasses.fields(cls))

    @classmethod
    def from_plain(cls: type[S], values: Mapping[str, object]) -> S:
        """From JSON or command-line text; an unknown name is refused with the names that exist."""
        known = [o.name for o in cls.options()]
        for name in values:
            if name not in known:
                raise UsageError(f"There is no setting {name!r} here; there are {', '.join(known) or 'none'}.")
        return cls(**values)  # type: ignore[arg-type]

    def plain(self) -> dict[str, Plain]:
        """All values as JSON takes them."""
        return {o.name: getattr(self, o.name) for o in self.options()}
