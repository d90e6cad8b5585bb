"""The report as a picture: a row for each section with a frame of it, the joints asked for and found, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..core import CannotWrite, InputError, UsageError
from ..video import check_place, open_video, write_image
from .evidence_figures import NEAR, SectionFigures, pose_errors
from .evidence_pictures import SEEN, Joints
from .evidence_sections import Section
from .report_marks import Mark, what_to_try
from .result_report import Advise, ResultReport, clock

ROWS_MOST = 40
"""Beyond, the sheet shows the marked sections and others spread over the video."""
TILE_HEIGHT_PX, TILE_WIDTH_PX = 300, 400
_TEXT_WIDTH_PX = 470
_PAD_PX = 14
_LABEL_PX = 76
_PAPER, _INK, _FAINT, _ALARM = (250, 250, 247), (32, 34, 38), (120, 122, 128), (200, 40, 40)
_ASKED, _NEAR, _OFF = (40, 200, 255), (70, 220, 90), (255, 70, 70)
_BONES = ((5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16))
_DIM = 0.62
_FONT = cv2.FONT_HERSHEY_DUPLEX


def check_places(result: Path, *, json_file: Path | None, sheet: Path | None, overwrite: bool) -> None:
    """Before any work: UsageError or CannotWrite where a file that is to be written cannot or may not be."""
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise UsageError(f"A sheet is written to a .png file, not to {sheet}; {sheet.with_suffix('.png')}?")
    if json_file is not None and sheet is not None and json_file.absolute() == sheet.absolute():
        raise UsageError(f"--json and --sheet both name {sheet}; give them two names.")
    for path in (json_file, sheet):
        if path is None:
            continue
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name a file in it.")
        if path.exists() and result.exists() and path.samefile(result):
            raise UsageError(f"{path} is the finished video itself; choose another name.")
        if path == result.with_name(result.name + ".json"):
            raise UsageError(f"{path} is the manifest of the run; choose another name.")
        check_place(path)
        if path.exists() and not overwrite:
            raise CannotWrite(f"{path} exists already; --overwrite replaces it.")


def write_sheet(report: ResultReport, path: Path) -> None:
    """The sheet as a PNG; reads one frame of each section that it shows."""
    write_image(path, draw_sheet(report))


def draw_sheet(report: ResultReport, advise: Advise = what_to_try) -> np.ndarray:
    """uint8 `[h,w,3]`; `advise` as in `ResultReport.lines`."""
    scale = min(TILE_HEIGHT_PX / report.size[1], TILE_WIDTH_PX / report.size[0])
    tile = (max(2, round(report.size[0] * scale)), max(2, round(report.size[1] * scale)))
    errors = None
    if report.asked is not None and report.found is not None:
        n = min(len(report.asked[0]), len(report.found[0]))
        (points, scores), (seen_points, seen_scores) = report.asked, report.found
        errors = pose_errors((points[:n], scores[:n]), (seen_points[:n], seen_scores[:n]), report.size)
    rows = [_title(report, tile[0] + _TEXT_WIDTH_PX + 3 * _PAD_PX, advise)]
    chosen = _chosen(report)
    for section in chosen:
        frame = _telling_frame(section, errors)
        rows.append(_row(report, section, frame, _pixels(report, frame, tile), errors))
    if len(chosen) < len(report.sections):
        left_out = f"{len(report.sections) - len(chosen)} further sections are not shown; the table has them all."
        rows.append(_strip(rows[0].shape[1], [(left_out, _FAINT)], 0.5))
    return np.vstack(rows)


def _chosen(report: ResultReport) -> list[Section]:
    """All sections, or the marked ones, the worst first taken, and others spread over the video."""
    sections = report.sections
    if len(sections) <= ROWS_MOST:
        return list(sections)
    marked = sorted((m for m in report.marks if m.section is not None), key=lambda m: -m.severity)
    kept = list(dict.fromkeys(m.section for m in marked if m.section is not None))[:ROWS_MOST]
    spread = np.unique(np.linspace(0, len(sections) - 1, ROWS_MOST).astype(int)).tolist()
    kept += [k for k in spread if k not in kept][: ROWS_MOST - len(kept)]
    return [sections[k] for k in sorted(kept)]


def _telling_frame(section: Section, errors: tuple[np.ndarray, np.ndarray] | None) -> int:
    """The frame whose joints are furthest off, so that it shows what is wrong; else the middle one."""
    middle = (section.start + section.stop) // 2
    if errors is None:
        return middle
    error, wanted = (e[section.start : section.stop] for e in errors)
    if not wanted.any():
        return middle
    off = np.where(wanted, np.minimum(error, 1.0), 0.0).sum(1) / np.maximum(wanted.sum(1), 1)
    return section.start + int(off.argmax())


def _pixels(report: ResultReport, frame: int, size: tuple[int, int]) -> np.ndarray:
    chunk = next(iter(open_video(report.result).chunks(1, start=frame)), None)
    if chunk is None:
        raise InputError(f"{report.result} has no frame {frame} any more; it was changed while it was read.")
    return cv2.resize(chunk.pixels[0], size, interpolation=cv2.INTER_AREA)


def _row(
    report: ResultReport, section: Section, frame: int, tile: np.ndarray, errors: tuple[np.ndarray, np.ndarray] | None
) -> np.ndarray:
    marks, figures = report.marks_of(section), report.figures[section.index]
    tile = (tile * _DIM).astype(np.uint8)  # so that the joints are read first
    factor = tile.shape[1] / report.size[0]
    if report.asked is not None and frame < len(report.asked[0]):
        _draw(tile, report.asked, frame, factor, _ASKED, None)
    if report.found is not None and frame < len(report.found[0]):
        near = None if errors is None else errors[0][frame] <= NEAR
        _draw(tile, report.found, frame, factor, _NEAR, near)
    height, width = tile.shape[0] + 2 * _PAD_PX, tile.shape[1] + _TEXT_WIDTH_PX + 3 * _PAD_PX
    row = np.full((height, width, 3), _PAPER, np.uint8)
    row[:1] = (222, 222, 218)
    row[_PAD_PX : _PAD_PX + tile.shape[0], _PAD_PX : _PAD_PX + tile.shape[1]] = tile
    if marks:
        row[:, :5] = _ALARM
    _words(row, section, frame, figures, marks, tile.shape[1] + 2 * _PAD_PX)
    return row


def _words(row: np.ndarray, section: Section, frame: int, f: SectionFigures, marks: Sequence[Mark], x: int) -> None:
    bad = {m.measure for m in marks}
    title = f"{section.index + 1}   {clock(section.start_seconds)} - {clock(section.stop_seconds)}"
    y = _write(row, [(title, _ALARM if marks else _INK, 0.75)], x, _PAD_PX + 22)
    y = _write(row, [(f"frame {frame} is shown", _FAINT, 0.45)], x, y) + 6
    no_seam = {"start": "none, the video begins", "cut": "none, a new shot"}.get(section.begins, "not measured")
    told = [
        ("pose", _or(100 * f.pose_share_within_10_percent_of_torso, "{:.0f} % of joints within 10 % of the torso")),
        ("pose", _or(f.pose_median_error_percent_of_torso, "median error {:.1f} % of the torso", "")),
        ("look", _or(f.look_drift_head_delta_e, "head {:.1f} dE from the first second's")),
        ("look", _or(f.look_drift_trunk_delta_e, "trunk {:.1f} dE", "")),
        ("flicker", _or(f.flicker_percent, "{:.2f} % of the light")),
        ("flicker", _or(f.flicker_local_percent, "{:.2f} % in places", "")),
        ("flicker", _or(f.background_change_levels, "background changes by {:.2f} levels", "")),
        ("seam", _or(f.seam_to_usual_change, "{:.1f} times the usual change", no_seam)),
    ]
    said = ""
    for measure, words in told:
        if not words:
            continue
        colour = _ALARM if measure in bad else _INK
        if measure != said:
            _write(row, [(measure, colour, 0.5)], x, y)
        y = _write(row, [(words, colour, 0.5)], x + _LABEL_PX, y)
        said = measure


def _or(value: float, form: str, otherwise: str = "not measured") -> str:
    return otherwise if value != value else form.format(value)


def _title(report: ResultReport, width: int, advise: Advise) -> np.ndarray:
    head = [
        (Path(report.result).name, _INK, 0.9),
        (f"{report.engine}, {report.num_frames} frames, {report.seconds:.1f} s", _FAINT, 0.5),
        (report.frames.words(), _INK if report.frames.ok else _ALARM, 0.45),
        (report.sound.words(), _INK if report.sound.ok else _ALARM, 0.45),
    ]
    worst, _, advice = report.lines(advise)[-1].partition("; to try: ")
    row = np.full((202 if advice else 178, width, 3), _PAPER, np.uint8)
    y = _write(row, head, _PAD_PX, 34)
    y = _write(row, [(worst, _INK if report.ok else _ALARM, 0.45)], _PAD_PX, y)
    if advice:
        y = _write(row, [(f"To try: {advice}", _ALARM, 0.45)], _PAD_PX, y)
    y += 6
    for colour, words, x in (
        (_ASKED, "asked for", 0),
        (_NEAR, "found within 10 %", 120),
        (_OFF, "found elsewhere", 310),
    ):
        cv2.circle(row, (_PAD_PX + x + 6, y - 5), 6, colour, -1, cv2.LINE_AA)
        cv2.putText(row, words, (_PAD_PX + x + 18, y), _FONT, 0.45, _INK, 1, cv2.LINE_AA)
    return row


def _strip(width: int, lines: Sequence[tuple[str, tuple]], scale: float) -> np.ndarray:
    row = np.full((30 * len(lines) + _PAD_PX, width, 3), _PAPER, np.uint8)
    _write(row, [(words, colour, scale) for words, colour in lines], _PAD_PX, 24)
    return row


def _write(row: np.ndarray, lines: Sequence[tuple[str, tuple, float]], x: int, y: int) -> int:
    """Lines one below the other, one that is too long for the row made smaller; where the next would stand."""
    for words, colour, size in lines:
        words = words.encode("ascii", "replace").decode()  # OpenCV's letters
        room = row.shape[1] - x - _PAD_PX
        wide = cv2.getTextSize(words, _FONT, size, 1)[0][0]
        used = size * min(1.0, room / max(wide, 1))
        cv2.putText(row, words, (x, y), _FONT, used, colour, 1, cv2.LINE_AA)
        y += round(10 + 28 * size)
    return y


def _draw(
    tile: np.ndarray, joints: Joints, frame: int, factor: float, colour: tuple[int, int, int], near: np.ndarray | None
) -> None:
    points, seen = (joints[0][frame] + 0.5) * factor - 0.5, joints[1][frame] > SEEN
    at = [tuple(int(v) for v in np.clip(np.rint(p * 8), -30000, 30000)) for p in points]
    thick = near is None
    for a, b in _BONES:
        if seen[a] and seen[b]:
            own = colour if near is None or (near[a] and near[b]) else _OFF
            cv2.line(tile, at[a], at[b], own, 4 if thick else 2, cv2.LINE_AA, shift=3)
    for k in np.flatnonzero(seen):
        own = colour if near is None or near[k] else _OFF
        radius = (4 if thick else 3) - (k < 5)  # the head's five lie close together
        cv2.circle(tile, at[k], radius * 8, own, -1, cv2.LINE_AA, shift=3)
