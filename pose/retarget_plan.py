"""The character moves the way the driver moves: the driver's joint angles, the character's bone lengths.

Lengths come from the whole clip, never from one frame. Legs and root are one similarity of the driver's, so
what stood still on the ground stands still; the head and each hand are rigid. The first frame of every
shot stands where the picture shows the character. All in pixels, isotropic. A plan keeps a few numbers a
frame; tracks are made in blocks when they are asked for, and the same whatever stretch is asked for.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND, WHOLE_BODY, NoPersonFound, PoseTrack
from . import body_vectors
from .body_lengths import BONES, NECK, PELVIS
from .body_vectors import bone_vectors, ease_hidden, with_middles
from .clean import Cleaner, shots_between
from .contact import plant_feet
from .driver_place import ankles, enlarged, matching_scale, wider_steps
from .exaggerate import follow_angles, scale_movement
from .face_expression import FaceExpression
from .head_and_hands import HEAD, Driver, add_hands, add_head, nose_from_neck
from .outliers import SEEN
from .ratios import group_ratios, overridden, per_bone, shorter_way
from .rest_pose import STANDING, complete, read_character
from .retargeted import BLOCK_FRAMES, Retargeted
from .survey import Survey, root_path, survey

KEPT_BLOCKS = 4
OFTEN = 0.3  # a part seen in fewer frames than this does not carry the figure
PLANTED_TORSOS = 0.25  # a half-body driver's sway up to about this much bends the character instead of shoving it


class RetargetPlan(Retargeted):
    """Made by `plan_retarget`; gives tracks on the character's picture, or on the driving video in the driver's place.

    Scores are the driver's, and 0 where a joint was hidden for long. Points are complete all the same: a hidden
    joint eases to the character's rest pose and back, and nothing jumps. Joints that the whole clip never shows
    stay at rest and carry the character's own score.
    """

    mode = "ours"

    def __init__(
        self,
        driving: PoseTrack,
        character: PoseTrack,
        *,
        rate: float | Fraction,
        cuts: Sequence[int] = (),
        smooth: float = 2.0,
        factor: float = 1.0,
        ratios: Mapping[str, float] | None = None,
        place: str = "character",
        match: str = "height",
    ) -> None:
        self.rate, self.factor = float(rate), float(factor)
        self._in_drivers_place = place == "driver"
        self.num_frames = driving.num_frames
        self.size = driving.size if self._in_drivers_place else character.size
        self._cleaner = Cleaner(driving, self.rate, strength=smooth, cuts=cuts)
        self.edges = self._cleaner.edges
        self._least = SEEN if smooth == 0 else 1e-6
        self._survey: Survey = survey(self._cleaner, self._least)
        lengths = self._survey.lengths
        if not lengths.lengths_px:
            raise NoPersonFound(
                f"None of the {driving.num_frames} frames of the driving clip shows a person; a motion of the head alone, "
                f"as templates and expressions are, drives the engine live-portrait."
            )
        seen = lengths.seen
        self._root = PELVIS if seen["torso"] > OFTEN else NECK
        own = read_character(character)
        if self._in_drivers_place:
            scale = matching_scale(own.lengths.lengths_px, lengths.lengths_px, match)
            own = enlarged(own, scale, self._survey.first_middle(self._root == NECK), self._root, self.size)
        self.ratios, self._stand_in = group_ratios(own.lengths.lengths_px, lengths.lengths_px)
        as_found = self.ratios
        if ratios:
            self.ratios = overridden(as_found, ratios, lengths.lengths_px)
            self._stand_in = {g: s for g, s in self._stand_in.items() if g not in ratios} | dict.fromkeys(ratios, "you")
        self._lengths = _complete_lengths(own.lengths.lengths_px, lengths.lengths_px, self.ratios)
        self._rest = complete(own, self._lengths)
        self._rest_scores = own.scores
        self._legs_driven = seen["thigh"] > OFTEN and seen["shank"] > OFTEN
        self._standing = self._legs_driven and all(g in own.lengths.lengths_px for g in ("thigh", "shank"))
        if self._in_drivers_place and not self._standing:
            self._root = NECK  # without feet on the ground, what is seen best is head and shoulders
        if not self._standing or self._in_drivers_place:
            self.ratios["depth"] = 1.0
        self._depth = self.ratios["depth"]
        self._by_ears = "nape" in own.lengths.lengths_px and "nape" in lengths.lengths_px
        self._root_ratio = self.ratios["leg" if self._standing else "body"]
        feet_of_legs = self._standing and "foot" not in (ratios or {})  # or their soles would slide
        self._bone_ratios = per_bone(self.ratios, feet_of_legs)
        self._rest_vectors = self._rest.vectors
        if ratios:  # a hidden limb eases to the rest pose in the lengths that were asked for
            asked = self._bone_ratios / per_bone(as_found, self._standing)
            self._rest_vectors = self._rest.vectors * np.where(asked == 1, 1.0, asked)[:, None]
        full = [self._lengths[g] for g, _, _ in BONES]
        self._full_px = np.maximum(np.array(full), np.hypot(*self._rest_vectors.T))
        torso_px = lengths.lengths_px.get("torso", self._lengths["torso"] / self.ratios["torso"])
        self._path = root_path(self._survey, self._root, torso_px, self.rate, self.edges)
        firsts = [self._first_known(a, b) for a, b in pairwise(self.edges)]
        self._unit = np.ones(len(firsts)) if self._in_drivers_place else lengths.scale[firsts]
        self._lifted = self._added = None
        if self.factor != 1.0:
            rest_angles = np.arctan2(self._rest.vectors[:, 1], self._rest.vectors[:, 0])
            self._lifted, self._added = follow_angles(
                self._survey.angles, rest_angles, self.factor, self.rate, self.edges
            )
        self._blocks: OrderedDict[int, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._report: tuple[object, dict[str, float | str]] | None = None
        self._face: FaceExpression | None = None
        self._place(firsts)

    # what a caller wants ------------------------------------------------------------------------------

    def rest(self) -> PoseTrack:
        """The character's own pose, one frame, with the joints filled in that the picture does not show."""
        points = self._rest.points[:133].copy()
        for side, hand in enumerate((LEFT_HAND, RIGHT_HAND)):
            points[hand] = points[9 + side] + self._rest.hands[side]
        points[list(HEAD)] = points[0] + self._rest.head
        seen = self._rest_scores >= SEEN
        return PoseTrack(points[None].astype(np.float32), np.where(seen, self._rest_scores, 0)[None], self.size)

    def face_in_rest(self, start: int, stop: int) -> np.ndarray:
        """float32 `[n,68,2]`: the character's own face points, moved by the driver's expression alone.

        In pixels of the character's picture, the head where and as the picture shows it. Where the driver's
        face is not seen the character keeps its own expression.
        """
        if self._face is None:
            self._face = FaceExpression(
                self._cleaner, self._least, self.rest().points[0, FACE].astype(np.float64), self._rest.face_known
            )
        return self._face.points(start, stop, self.factor)

    @property
    def report(self) -> dict[str, float | str]:
        """What one should know before trusting the result; the share in the frame is taken from a sample of blocks."""
        if self._report is None or self._report[0] is not self._shrunk:
            self._report = self._shrunk, super().report
        return self._report[1]

    def _notes(self) -> dict[str, float | str]:
        scale = self._survey.lengths.scale
        stand_in = ", ".join(f"{g} from {s}" for g, s in self._stand_in.items())
        return {
            "root": "pelvis" if self._root == PELVIS else "neck",
            "legs": "driven" if self._legs_driven else "at rest",
            "scale_min": float(scale.min()),
            "scale_max": float(scale.max()),
            "stand_ins": stand_in or "none",
        }

    # how it is made ---------------------------------------------------------------------------------

    def _frames(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        points = np.empty((stop - start, 133, 2), np.float32)
        scores = np.empty((stop - start, 133), np.float32)
        at = start
        while at < stop:
            block = at // BLOCK_FRAMES
            first, until = block * BLOCK_FRAMES, min((block + 1) * BLOCK_FRAMES, stop)
            made = self._block(block)
            points[at - start : until - start] = made[0][at - first : until - first]
            scores[at - start : until - start] = made[1][at - first : until - first]
            at = until
        return points, scores

    def _block(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        if block not in self._blocks:
            start, stop = block * BLOCK_FRAMES, min((block + 1) * BLOCK_FRAMES, self.num_frames)
            points, scores = np.empty((stop - start, 133, 2), np.float32), np.empty((stop - start, 133), np.float32)
            for a, b in shots_between(self.edges, start, stop):
                points[a - start : b - start], scores[a - start : b - start] = self._shot(a, b)
            self._blocks[block] = points, scores
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        return self._blocks[block]

    def _shot(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        shot = bisect.bisect_right(self.edges, start) - 1
        reach = body_vectors.reach_frames(self.rate)
        first, last = max(self.edges[shot], start - reach), min(self.edges[shot + 1], stop + reach)
        at = np.arange(first, last)
        unit = self._unit[shot]
        grown = (self._survey.lengths.scale[at] / unit)[:, None, None]
        cleaned, scores = self._cleaner.frames(first, last)
        seen = scores >= self._least
        points, known = with_middles(cleaned, seen, self.rate)
        driver, bones_seen = bone_vectors(points, known)
        driver /= unit
        vectors = driver * self._bone_ratios[:, None]
        rest = grown * self._rest_vectors
        moved = Driver(points, known, unit)
        if self._by_ears:
            vectors[:, -1] = nose_from_neck(
                moved, self._rest, grown, self.ratios["neck"], self.ratios["head"], self.rate
            )
        steps = theirs = None
        if self._standing and self._in_drivers_place:
            calm = driver.copy()
            ease_hidden(calm, bones_seen, rest / self._bone_ratios[:, None], self.rate)
            theirs, steps = ankles(calm), wider_steps(calm, vectors, self.ratios["leg"], self.rate)
        if self._standing:
            plant_feet(vectors, driver, self.ratios["leg"], steps)
        as_driven = vectors.copy() if self.factor != 1.0 else vectors
        ease_hidden(as_driven, bones_seen, rest, self.rate)
        if self._in_drivers_place:
            root = self._path[at] + grown[:, 0] * self._shift[shot]
            if theirs is not None:
                root = root + theirs.mean(1) - ankles(as_driven).mean(1)
        else:
            root = self._rest.points[self._root] + self._root_ratio / unit * (self._path[at] - self._start[shot])
            root += self._shift[shot]
        posed = self._assemble(as_driven, root, grown)
        if self.factor != 1.0:
            assert self._lifted is not None and self._added is not None
            full = grown[..., 0] * self._full_px
            vectors = scale_movement(vectors, rest, full, self._lifted[at], self._added[at], self.factor)
            ease_hidden(vectors, bones_seen, rest, self.rate)
            middle = root if self._in_drivers_place else self._rest.points[self._root]
            scaled = self._assemble(vectors, middle + self.factor * (root - middle), grown)
            if self._standing:  # angles alone do not know of the ground: the lowest sole is set where it belongs
                low, now = (p[:, list(self._rest.feet), 1].max(1) for p in (posed, scaled))
                ground = low if self._in_drivers_place else self._rest.sole_y
                scaled[..., 1] += (ground + self.factor * (low - ground) - now)[:, None]
            posed = scaled
        add_head(posed, moved, self._rest, grown, self.ratios["head"], self.factor, self.rate)
        add_hands(posed, as_driven, moved, self._rest, grown, self.ratios["hand"], self.factor, self.rate)
        if self._depth != 1.0:
            ground = np.array([self._rest.points[PELVIS, 0], self._rest.sole_y])
            posed = ground + shorter_way(grown, self._depth) * (posed - ground)
        keep = slice(start - first, stop - first)
        score = np.where(seen, scores, 0.0)[keep]
        anybody = np.asarray(seen[keep].any(1))[:, None]
        score = np.where(self._survey.ever_seen, score, np.where(anybody, self._rest_scores, 0.0))
        return posed[keep, :133].astype(np.float32), score.astype(np.float32)

    def _assemble(self, vectors: np.ndarray, root: np.ndarray, grown: np.ndarray) -> np.ndarray:
        posed = np.zeros((len(vectors), 135, 2))
        if self._root == PELVIS:
            posed[:, PELVIS] = root
            posed[:, NECK] = root + vectors[:, 0]
        elif self._in_drivers_place:
            posed[:, NECK] = root
            posed[:, PELVIS] = root - vectors[:, 0]
        else:  # hips unseen: they stay, the torso leans, and only a walk takes the whole figure along
            torso = self._rest.vectors[0] * grown[:, 0]
            away = root - self._rest.points[NECK]
            size = (away**2).sum(1)[:, None]
            along = away * size / (size + (PLANTED_TORSOS * self._lengths["torso"]) ** 2)
            lean = torso + away - along
            lean *= np.hypot(torso[:, :1], torso[:, 1:]) / np.maximum(np.hypot(lean[:, :1], lean[:, 1:]), 1e-9)
            posed[:, PELVIS] = self._rest.points[PELVIS] + along
            posed[:, NECK] = posed[:, PELVIS] + lean
        for k, (_, parent, child) in enumerate(BONES[1:], start=1):
            posed[:, child] = posed[:, parent] + vectors[:, k]
        return posed

    # where it stands --------------------------------------------------------------------------------

    def _first_known(self, start: int, stop: int) -> int:
        known = self._survey.middles_known[start:stop].any(1)
        feet = self._survey.feet_known[start:stop] & known if self._standing else known
        which = feet if feet.any() else known
        return start + (int(np.argmax(which)) if which.any() else 0)

    def _place(self, firsts: list[int]) -> None:
        """The first frame of every shot stands on the picture's ground, its pelvis where the picture's is."""
        self._start = self._path[firsts]
        self._shift = np.zeros((len(firsts), 2))
        if not self._standing or self._root != PELVIS:
            return
        factor, self.factor = self.factor, 1.0  # placed as driven; the factor scales about the rest pose later
        for shot, frame in enumerate(firsts):
            posed, _ = self._shot(frame, frame + 1)
            feet, ground = list(self._rest.feet), self._rest.sole_y
            if self._in_drivers_place:
                feet, ground = self._drivers_ground(frame)
            self._shift[shot, 1] = ground - float(posed[0, feet, 1].max())
            if self._in_drivers_place:
                self._shift[shot] /= self._survey.lengths.scale[frame]
        self.factor = factor

    def _drivers_ground(self, frame: int) -> tuple[list[int], float]:
        """The joints of the feet that driver and character both show, and how low the driver's reach in `frame`, px."""
        points, scores = self._cleaner.frames(frame, frame + 1)
        feet = [j for j in self._rest.feet if scores[0, j] >= self._least] or [15, 16]
        return feet, float(points[0, feet, 1].max())


def _complete_lengths(own: dict[str, float], driver: dict[str, float], ratios: dict[str, float]) -> dict[str, float]:
    """px on the character's picture for every group: its own, else the driver's times the ratio, else an adult's."""
    known = {g: driver[g] * ratios[g] for g in driver if g in ratios} | own
    standing = {g: float(np.hypot(*v)) for g, v in STANDING.items()} | {"hand": 0.2, "head": 0.4}
    units = [known[g] / standing[g] for g in known if g in standing]
    unit = known.get("torso", float(np.median(units)))
    return {g: unit * v for g, v in standing.items()} | known


assert WHOLE_BODY.num_joints == NECK
assert BONES[-1][0] == "neck"
