"""From what was seen in every frame to a few figures a section: pose, look, flicker, seam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from ..sampling.colour import delta_e
from .evidence_pictures import SEEN, Joints, PictureEvidence
from .evidence_sections import Section

NEAR = 0.10  # of the torso: a joint no further off counts as found again
FIRST_SECONDS = 1.0  # the look of this is what later sections are compared with
AROUND_FRAMES = 12  # on either side of a seam: the usual change there
FLICKER_QUANTILE = 0.75  # of the frames, as the check of a driving video has it
_TORSO_QUANTILE = 0.9  # a torso that bends is foreshortened, never longer
NAN = float("nan")


@dataclass(frozen=True)
class SectionFigures:
    """NaN where something could not be measured."""

    pose_share_within_10_percent_of_torso: float = NAN
    """Of the body's joints that were asked for inside the picture; a joint not found is not within."""
    pose_median_error_percent_of_torso: float = NAN
    """Of those found."""
    pose_found_share: float = NAN
    look_drift_head_delta_e: float = NAN
    """CIE76 between the section's usual mean colour and that of the video's first second."""
    look_drift_trunk_delta_e: float = NAN
    flicker_percent: float = NAN
    """By how much the light of the whole picture jumps to and fro, motion taken out."""
    flicker_local_percent: float = NAN
    """The same for the tenth of the picture where it is worst."""
    background_change_levels: float = NAN
    """From frame to frame, outside of the figure, of 255."""
    seam_jump_levels: float = NAN
    """Difference of the section's first frame to the one before; NaN at the start and behind a cut."""
    seam_to_usual_change: float = NAN
    """That over the larger changes (9 of 10) of the half second around."""

    @property
    def look_drift_delta_e(self) -> float:
        known = [d for d in (self.look_drift_head_delta_e, self.look_drift_trunk_delta_e) if d == d]
        return max(known, default=NAN)

    def plain(self) -> dict[str, float | None]:
        """For JSON, which has no NaN."""
        return {k: None if v != v else round(v, 4) for k, v in asdict(self).items()}


def pose_errors(asked: Joints, found: Joints, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Error of each joint as a share of the torso float64 `[T,17]` (inf: not found), and bool: was it asked for?"""
    points, scores = asked
    width, height = size
    inside = ((points >= 0) & (points <= [width - 1, height - 1])).all(-1)
    wanted = (scores > SEEN) & inside
    error = np.linalg.norm(points.astype(np.float64) - found[0], axis=-1) / torso_px(points, scores)
    return np.where(found[1] > SEEN, error, np.inf), wanted


def torso_px(points: np.ndarray, scores: np.ndarray) -> float:
    """Length of the torso over a clip in px, taken upright; from the shoulders' width where no hips are asked for."""
    whole = (scores[:, [5, 6, 11, 12]] > SEEN).all(1)
    if whole.any():
        lengths = np.linalg.norm(points[whole][:, [5, 6]].mean(1) - points[whole][:, [11, 12]].mean(1), axis=-1)
        return max(1.0, float(np.quantile(lengths, _TORSO_QUANTILE)))
    both = (scores[:, [5, 6]] > SEEN).all(1)
    if both.any():
        widths = np.linalg.norm(points[both][:, 5] - points[both][:, 6], axis=-1)
        return max(1.0, 1.3 * float(np.quantile(widths, _TORSO_QUANTILE)))
    return max(1.0, 0.25 * float(np.ptp(points[..., 1])))


def section_figures(
    section: Section,
    pictures: PictureEvidence,
    errors: tuple[np.ndarray, np.ndarray] | None,
    first: Mapping[str, np.ndarray],
    cuts: set[int],
) -> SectionFigures:
    """`errors` as `pose_errors` gives them; `first` the `look` of the first second."""
    rows = slice(section.start, section.stop)
    share, middle, found = (NAN, NAN, NAN) if errors is None else _pose(errors[0][rows], errors[1][rows])
    now = look(pictures, section.start, section.stop)
    overall, local = _flicker(pictures, section, cuts)
    still = np.array(pictures.still_jump[max(1, section.start) : section.stop])
    still = still[np.isfinite(still)]
    jump, ratio = (NAN, NAN) if section.begins in ("start", "cut") else _seam(pictures, section.start, cuts)
    return SectionFigures(
        pose_share_within_10_percent_of_torso=share,
        pose_median_error_percent_of_torso=middle,
        pose_found_share=found,
        look_drift_head_delta_e=float(delta_e(now["head"], first["head"])),
        look_drift_trunk_delta_e=float(delta_e(now["trunk"], first["trunk"])),
        flicker_percent=overall,
        flicker_local_percent=local,
        background_change_levels=float(np.quantile(still, FLICKER_QUANTILE)) if len(still) else NAN,
        seam_jump_levels=jump,
        seam_to_usual_change=ratio,
    )


def look(pictures: PictureEvidence, start: int, stop: int) -> dict[str, np.ndarray]:
    """'head', 'trunk' -> the usual mean sRGB 0..1 of frames start..stop (half open); NaN where never seen."""
    found = {}
    for part, values in (("head", pictures.head), ("trunk", pictures.trunk)):
        colours = np.array(values[start:stop])
        colours = colours[np.isfinite(colours[:, 0])] if len(colours) else np.zeros((0, 3))
        found[part] = np.median(colours, axis=0) if len(colours) else np.full(3, NAN)
    return found


def _pose(error: np.ndarray, wanted: np.ndarray) -> tuple[float, float, float]:
    error = error[wanted]
    if not len(error):
        return NAN, NAN, NAN
    found = np.isfinite(error)
    middle = 100 * float(np.median(error[found])) if found.any() else NAN
    return float((error <= NEAR).mean()), middle, float(found.mean())


def _flicker(pictures: PictureEvidence, section: Section, cuts: set[int]) -> tuple[float, float]:
    """As `judge_picture.flicker_percent`: half the second difference of the light, for all of it and place by place."""
    rows = [t for t in range(max(2, section.start), section.stop) if t not in cuts and t - 1 not in cuts]
    if not rows:
        return NAN, NAN
    overall, local = (
        np.quantile(np.array(b)[rows], FLICKER_QUANTILE) for b in (pictures.bend, pictures.bend_in_places)
    )
    return 100 * float(overall), 100 * float(local)


def _seam(pictures: PictureEvidence, frame: int, cuts: set[int]) -> tuple[float, float]:
    near = range(max(1, frame - AROUND_FRAMES), min(len(pictures.jump), frame + AROUND_FRAMES + 1))
    usual = [pictures.jump[t] for t in near if t != frame and t not in cuts]
    if len(usual) < 4:
        return NAN, NAN
    jump = pictures.jump[frame]
    return jump, jump / max(float(np.quantile(usual, 0.9)), 0.1)  # codecs alone make a tenth of a level
