"""What a report on a finished video holds, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .evidence_figures import SectionFigures
from .evidence_pictures import Joints
from .evidence_sections import Section
from .evidence_timing import FrameEvidence, SoundEvidence
from .report_marks import Mark, what_to_try

_COLUMNS = ("section", "time", "pose", "error", "look", "flicker", "seam")
Advise = Callable[[Mark, str, str], str]
"""The worst mark, the engine and the result's name -> a sentence with what to try."""


@dataclass(frozen=True)
class ResultReport:
    """Everything the report found. `ok`: nothing deserves a look."""

    result: str
    engine: str
    num_frames: int
    seconds: float
    rate: float
    size: tuple[int, int]
    sections: tuple[Section, ...]
    figures: tuple[SectionFigures, ...]
    frames: FrameEvidence
    sound: SoundEvidence
    marks: tuple[Mark, ...]
    look_from_picture_delta_e: float | None
    """CIE76 of the first second's head and trunk to the character's picture, the larger; None: not measured."""
    detector: str = ""
    """Who found the joints in the result."""
    notes: tuple[str, ...] = ()
    """What could not be measured, and why."""
    engine_says: Mapping[str, Any] = field(default_factory=dict)
    """What the engine measured of itself while it worked, such as drift and seams before the file was encoded."""
    asked: Joints | None = field(default=None, repr=False)
    """On the result's own frames, for the sheet."""
    found: Joints | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        return not self.marks

    @property
    def worst(self) -> Mark | None:
        return max(self.marks, key=lambda m: m.severity, default=None)

    def marks_of(self, section: Section) -> list[Mark]:
        return [m for m in self.marks if m.section == section.index]

    def to_json(self) -> str:
        rows = []
        for section, figures in zip(self.sections, self.figures, strict=True):
            rows.append(
                {
                    "start_frame": section.start,
                    "stop_frame": section.stop,
                    "start_seconds": round(section.start_seconds, 4),
                    "stop_seconds": round(section.stop_seconds, 4),
                    "begins": section.begins,
                    **figures.plain(),
                    "marks": [m.measure for m in self.marks_of(section)],
                }
            )
        values = {
            "result": self.result,
            "ok": self.ok,
            "engine": self.engine,
            "num_frames": self.num_frames,
            "length_seconds": round(self.seconds, 4),
            "rate_frames_per_second": self.rate,
            "size_px": list(self.size),
            "detector": self.detector,
            "look_from_picture_delta_e": self.look_from_picture_delta_e,
            "sections": rows,
            "frames": {
                "num_expected": self.frames.expected_frames,
                "compared_with": self.frames.compared_with,
                "missing_seconds": list(self.frames.missing_seconds),
                "num_at_other_times": self.frames.num_extra,
                "ok": self.frames.ok,
            },
            "sound": {
                "num_packets": self.sound.num_packets,
                "source": self.sound.source,
                "differences": list(self.sound.differences),
                "not_compared": self.sound.not_compared or None,
                "ok": self.sound.ok,
            },
            "marks": [
                {"measure": m.measure, "section": m.section, "times_threshold": round(m.severity, 3), "words": m.words}
                for m in self.marks
            ],
            "engine_says": dict(self.engine_says),
            "notes": list(self.notes),
        }
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)

    def lines(self, advise: Advise = what_to_try) -> list[str]:
        """For a terminal: the file, a table with '!' at what deserves a look, frames, sound, notes, a closing line.

        `advise` says what to try in the words of whoever reads it.
        """
        noun = "section" if len(self.sections) == 1 else "sections"
        width, height = self.size
        lines = [
            f"{self.result}: {self.num_frames} frames, {self.seconds:.1f} s, {self.rate:.5g} frames/s, {width}x{height}, "
            f"{self.engine}, {len(self.sections)} {noun}"
        ]
        rows = [_COLUMNS, *(self._row(s, f) for s, f in zip(self.sections, self.figures, strict=True))]
        widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
        for number, row in enumerate(rows):
            marks = [] if number == 0 else self.marks_of(self.sections[number - 1])
            words = f"   {', '.join(m.measure for m in marks)}" if marks else ""
            cells = "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True))
            lines.append(("! " if marks else "  ") + cells + words)
        for evidence in (self.frames, self.sound):
            lines.append(("  " if evidence.ok else "! ") + evidence.words())
        if self.look_from_picture_delta_e is not None:
            lines.append(
                f"  look: the first second is {self.look_from_picture_delta_e:.1f} dE from the character's picture"
            )
        own = [f"{name.replace('_', ' ')} {v:.3g}" for name, v in self.engine_says.items() if isinstance(v, float)]
        if own:
            lines.append(f"  the engine itself, before the file was written: {', '.join(own)}")
        lines += [f"  {note}" for note in self.notes]
        return [*lines, self._closing(advise)]

    @staticmethod
    def _row(section: Section, f: SectionFigures) -> tuple[str, ...]:
        return (
            str(section.index + 1),
            f"{clock(section.start_seconds)} - {clock(section.stop_seconds)}",
            _shown(100 * f.pose_share_within_10_percent_of_torso, ".0f", " %"),
            _shown(f.pose_median_error_percent_of_torso, ".1f", " %"),
            _shown(f.look_drift_delta_e, ".1f", " dE"),
            _shown(f.flicker_percent, ".2f", " %"),
            _shown(f.seam_to_usual_change, ".1f", " x"),
        )

    def _closing(self, advise: Advise) -> str:
        worst = self.worst
        if worst is None:
            is_whole = not self.sound.not_compared and not any("not measured" in note for note in self.notes)
            return "Nothing deserves a look." if is_whole else "Nothing deserves a look of what could be measured."
        where = ""
        if worst.section is not None:
            s = self.sections[worst.section]
            where = f"section {s.index + 1} ({clock(s.start_seconds)} - {clock(s.stop_seconds)}), "
        return f"Worst: {where}{worst.words}; to try: {advise(worst, self.engine, Path(self.result).name)}"


def clock(seconds: float) -> str:
    """'0:05.0', '12:03.4'."""
    tenths = round(10 * seconds)
    return f"{tenths // 600}:{tenths % 600 // 10:02d}.{tenths % 10}"


def _shown(value: float, form: str, unit: str) -> str:
    return "-" if value != value else f"{value:{form}}{unit}"
