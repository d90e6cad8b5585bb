"""The character moves the way the driver moves: the driver's joint angles, the character's bone lengths.

Lengths come from the whole clip, never from one frame. Legs and root are one similarity of the driver's, so
what stood still on the ground stands still; the head and each hand are rigid. The first frame of every
shot stands where the picture shows the character. All in pixels, isotropic. A plan keeps a few numbers a
frame; tracks are made in blocks when they are asked for, and the same whatever stretch is asked for.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from ..core import FACE, LEFT_HAND, RIGHT_HAND, WHOLE_BODY, NoPersonFound, PoseTrack, UsageError
from . import body_vectors
from .body_lengths import BONES, NECK, PELVIS
from .body_vectors import bone_vectors, ease_hidden, with_middles
from .clean import Cleaner, shots_between
from .contact import plant_feet
from .exaggerate import follow_angles, scale_movement
from .face_expression import FaceExpression
from .outliers import SEEN
from .ratios import group_ratios, per_bone
from .rest_pose import HEAD_JOINTS, STANDING, complete, read_character
from .survey import Survey, root_path, survey

BLOCK_FRAMES = 256
KEPT_BLOCKS = 4
OFTEN = 0.3  # a part seen in fewer frames than this does not carry the figure
PLANTED_TORSOS = 0.25  # a half-body driver's sway up to about this much bends the character instead of shoving it
HEAD = (*HEAD_JOINTS, *range(133)[FACE])


def plan_retarget(
    driving: PoseTrack,
    character: PoseTrack,
    *,
    rate: float | Fraction,
    cuts: Sequence[int] = (),
    smooth: float = 2.0,
    factor: float = 1.0,
) -> RetargetPlan:
    """How `character` (one frame, on its own picture) will move after `driving`.

    `rate` frames/s and `cuts` of the driving clip; `smooth` 0..10 as `clean`'s strength; `factor` 0..2 scales
    the movement about the rest pose: 1 as driven, 0 stands still.

    Raises NoPersonFound where driver or character shows no bone to measure, UsageError for a factor out of range.
    """
    return RetargetPlan(driving, character, rate=rate, cuts=cuts, smooth=smooth, factor=factor)


class RetargetPlan:
    """Made by `plan_retarget`; gives tracks on the character's picture, frame for frame with the driving clip."""

    def __init__(
        self,
        driving: PoseTrack,
        character: PoseTrack,
        *,
        rate: float | Fraction,
        cuts: Sequence[int] = (),
        smooth: float = 2.0,
        factor: float = 1.0,
    ) -> None:
        if not 0 <= factor <= 2:
            raise UsageError(f"retargeting factor is {factor:g}, but takes 0 to 2; 1 moves as driven.")
        self.rate, self.factor = float(rate), float(factor)
        self.num_frames, self.size = driving.num_frames, character.size
        self._cleaner = Cleaner(driving, self.rate, strength=smooth, cuts=cuts)
        self._edges = self._cleaner.edges
        self._least = SEEN if smooth == 0 else 1e-6
        self._survey: Survey = survey(self._cleaner, self._least)
        lengths = self._survey.lengths
        if not lengths.lengths_px:
            raise NoPersonFound(f"None of the {driving.num_frames} frames of the driving clip shows a person.")
        own = read_character(character)
        self.ratios, self._stand_in = group_ratios(own.lengths.lengths_px, lengths.lengths_px)
        self._lengths = _complete_lengths(own.lengths.lengths_px, lengths.lengths_px, self.ratios)
        self._rest = complete(own, self._lengths)
        self._rest_scores = own.scores
        seen = lengths.seen
        self._legs_driven = seen["thigh"] > OFTEN and seen["shank"] > OFTEN
        self._standing = self._legs_driven and all(g in own.lengths.lengths_px for g in ("thigh", "shank"))
        self._root = PELVIS if seen["torso"] > OFTEN else NECK
        self._root_ratio = self.ratios["leg" if self._standing else "body"]
        self._bone_ratios = per_bone(self.ratios, self._standing)
        full = [self._lengths[g] for g, _, _ in BONES]
        self._full_px = np.maximum(np.array(full), np.hypot(*self._rest.vectors.T))
        torso_px = lengths.lengths_px.get("torso", self._lengths["torso"] / self.ratios["torso"])
        self._path = root_path(self._survey, self._root, torso_px, self.rate, self._edges)
        scale = lengths.scale
        firsts = [self._first_known(a, b) for a, b in pairwise(self._edges)]
        self._unit = np.array([scale[f] for f in firsts])
        self._lifted = self._added = None
        if self.factor != 1.0:
            rest_angles = np.arctan2(self._rest.vectors[:, 1], self._rest.vectors[:, 0])
            self._lifted, self._added = follow_angles(
                self._survey.angles, rest_angles, self.factor, self.rate, self._edges
            )
        self._blocks: OrderedDict[int, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._report: dict[str, float | str] | None = None
        self._face: FaceExpression | None = None
        self._driving = driving
        self._place(firsts)

    @property
    def _shape_factor(self) -> float:
        # more than the driver's would exaggerate how driver and character differ in build, not how they move
        return min(self.factor, 1.0)

    # what a caller wants ------------------------------------------------------------------------------

    def track(self, start: int, stop: int, *, hidden_score: float = 0.0) -> PoseTrack:
        """Frames start..stop (half open) on the character's picture.

        Scores are the driver's, `hidden_score` where a joint was hidden for long. Points are complete all the
        same: a hidden joint eases to the character's rest pose and back, and nothing jumps. So a figure that is
        moved by the points takes `hidden_score=1`; whoever draws them wants to leave them out and takes 0.
        Joints that the whole clip never shows stay at rest and carry the character's own score.
        """
        if not 0 <= start <= stop <= self.num_frames:
            raise ValueError(f"frames {start}..{stop} do not lie within the clip's {self.num_frames}")
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
        if hidden_score:
            scores[scores == 0] = hidden_score
        return PoseTrack(points, scores, self.size)

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
        if self._report is None:
            scale = self._survey.lengths.scale
            stand_in = ", ".join(f"{g} from {s}" for g, s in self._stand_in.items())
            self._report = {
                "in_frame": self._in_frame(),
                "root": "pelvis" if self._root == PELVIS else "neck",
                "legs": "driven" if self._legs_driven else "at rest",
                "scale_min": float(scale.min()),
                "scale_max": float(scale.max()),
                "stand_ins": stand_in or "none",
            }
        return self._report

    def _in_frame(self) -> float:
        blocks = -(-self.num_frames // BLOCK_FRAMES)
        inside = total = 0
        for block in sorted({int(b) for b in np.linspace(0, blocks - 1, min(blocks, 6))}):
            points, scores = self._block(block)
            shown = scores[:, :23] > 0.4
            within = (points[:, :23] >= 0).all(-1) & (points[:, :23] < np.asarray(self.size)).all(-1)
            inside, total = inside + int((shown & within).sum()), total + int(shown.sum())
        return inside / total if total else 0.0

    # how it is made ---------------------------------------------------------------------------------

    def _block(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        if block not in self._blocks:
            start, stop = block * BLOCK_FRAMES, min((block + 1) * BLOCK_FRAMES, self.num_frames)
            points, scores = np.empty((stop - start, 133, 2), np.float32), np.empty((stop - start, 133), np.float32)
            for a, b in shots_between(self._edges, start, stop):
                points[a - start : b - start], scores[a - start : b - start] = self._shot(a, b)
            self._blocks[block] = points, scores
            while len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(block)
        return self._blocks[block]

    def _shot(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        shot = bisect.bisect_right(self._edges, start) - 1
        reach = body_vectors.reach_frames(self.rate)
        first, last = max(self._edges[shot], start - reach), min(self._edges[shot + 1], stop + reach)
        at = np.arange(first, last)
        unit = self._unit[shot]
        grown = (self._survey.lengths.scale[at] / unit)[:, None, None]
        cleaned, scores = self._cleaner.frames(first, last)
        seen = scores >= self._least
        points, known = with_middles(cleaned, seen, self.rate)
        driver, bones_seen = bone_vectors(points, known)
        driver /= unit
        vectors = driver * self._bone_ratios[:, None]
        if self._standing:
            plant_feet(vectors, driver, self.ratios["leg"])
        rest = grown * self._rest.vectors
        root = self._rest.points[self._root] + self._root_ratio / unit * (self._path[at] - self._start[shot])
        root += self._shift[shot]
        as_driven = vectors.copy() if self.factor != 1.0 else vectors
        ease_hidden(as_driven, bones_seen, rest, self.rate)
        posed = self._assemble(as_driven, root, grown)
        if self.factor != 1.0:
            assert self._lifted is not None and self._added is not None
            full = grown[..., 0] * self._full_px
            vectors = scale_movement(vectors, rest, full, self._lifted[at], self._added[at], self.factor)
            ease_hidden(vectors, bones_seen, rest, self.rate)
            middle = self._rest.points[self._root]
            scaled = self._assemble(vectors, middle + self.factor * (root - middle), grown)
            if self._standing:  # angles alone do not know of the ground: the lowest sole is set where it belongs
                low, now = (p[:, list(self._rest.feet), 1].max(1) for p in (posed, scaled))
                scaled[..., 1] += (self._rest.sole_y + self.factor * (low - self._rest.sole_y) - now)[:, None]
            posed = scaled
        self._add_head(posed, points, known, unit, grown)
        self._add_hands(posed, as_driven, points, known, unit, grown)
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

    def _add_head(
        self, posed: np.ndarray, points: np.ndarray, known: np.ndarray, unit: float, grown: np.ndarray
    ) -> None:
        head = (points[:, HEAD] - points[:, :1]) * (self.ratios["head"] / unit)
        seen = known[:, HEAD] & known[:, :1]
        rest = np.broadcast_to(grown * self._rest.head, head.shape)
        if self.factor != 1.0 and self._rest.face_known:
            head = rest + self._shape_factor * (head - rest)
        ease_hidden(head, seen, rest, self.rate, turn=False)
        posed[:, HEAD] = posed[:, :1] + head

    def _add_hands(
        self,
        posed: np.ndarray,
        as_driven: np.ndarray,
        points: np.ndarray,
        known: np.ndarray,
        unit: float,
        grown: np.ndarray,
    ) -> None:
        for side, span in enumerate((LEFT_HAND, RIGHT_HAND)):
            hand = (points[:, span] - points[:, span.start, None]) * (self.ratios["hand"] / unit)
            seen = known[:, span] & known[:, span.start, None]
            elbow, wrist, forearm = 7 + side, 9 + side, 7 + side
            rest_arm = self._rest.vectors[forearm]
            driven_arm = as_driven[:, forearm]
            own = grown * self._rest.hands[side]
            rest = _turned(own, rest_arm, driven_arm)  # a hidden hand goes on from the forearm as in the picture
            if self.factor != 1.0:
                posed_arm = posed[:, wrist] - posed[:, elbow]
                if self._rest.hands_known[side]:
                    hand = rest + self._shape_factor * (hand - rest)
                hand = _turned(hand, driven_arm, posed_arm)
                rest = _turned(own, rest_arm, posed_arm)
            ease_hidden(hand, seen, rest, self.rate, turn=False)
            posed[:, span] = posed[:, wrist, None] + hand

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
            self._shift[shot, 1] = self._rest.sole_y - float(posed[0, list(self._rest.feet), 1].max())
        self.factor = factor


def _turned(vectors: np.ndarray, from_arm: np.ndarray, to_arm: np.ndarray) -> np.ndarray:
    """`[n,21,2]` turned as the forearm turned, `to_arm` `[n,2]`."""
    angle = np.arctan2(to_arm[..., 1], to_arm[..., 0]) - np.arctan2(from_arm[..., 1], from_arm[..., 0])
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([c * x - s * y, s * x + c * y], -1)


def _complete_lengths(own: dict[str, float], driver: dict[str, float], ratios: dict[str, float]) -> dict[str, float]:
    """px on the character's picture for every group: its own, else the driver's times the ratio, else an adult's."""
    known = {g: driver[g] * ratios[g] for g in driver if g in ratios} | own
    standing = {g: float(np.hypot(*v)) for g, v in STANDING.items()} | {"hand": 0.2, "head": 0.4}
    units = [known[g] / standing[g] for g in known if g in standing]
    unit = known.get("torso", float(np.median(units)))
    return {g: unit * v for g, v in standing.items()} | known


assert WHOLE_BODY.num_joints == NECK
