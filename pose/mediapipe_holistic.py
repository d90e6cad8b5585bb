"""Body, feet, face and both hands of the main person with the models inside the MediaPipe 0.10 wheel.

What MediaPipe's own Holistic does, with three differences: the person is followed (see
`mediapipe_tracker`), a lost hand is searched for again, and scores are reported. Body and the rest run
at the same time: while face and hands of one frame are looked at, the body of the next one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from ..core import WHOLE_BODY, NoPersonFound, PersonChoice
from .cast import place_fit
from .mediapipe_graphs import BodyNet, FaceNet, Finder, HandNet, HandRecrop
from .mediapipe_import import require_solutions
from .mediapipe_order import discount_outside, fill_body, fill_face, fill_hand
from .mediapipe_tracker import Body, BodyTracker, FaceTracker, HandTracker, settle_hands
from .regions import Region, Shrunk

_OUTSIDE = 0.02  # of the body's window: this far beyond the border a point counts for nothing


def holistic_id() -> str:
    """Name and version; the number behind counts changes that give other joints."""
    return f"mediapipe-{require_solutions()}/followed-1"


class HolisticDetector:
    """A `Detector`; MissingPackage unless a MediaPipe from 0.10.9 to 0.10.21 is installed."""

    def __init__(self) -> None:
        self.id = holistic_id()
        self._graphs = [
            BodyNet(),
            Finder("PoseDetectionCpu", 224),
            FaceNet(),
            Finder("FaceDetectionShortRangeCpu", 128),
            HandNet(),
            HandRecrop(),
            Finder("PalmDetectionCpu", 192),
        ]
        body, people, face, faces, hand, recrop, palms = self._graphs
        self._body = BodyTracker(body, people)  # type: ignore[arg-type]
        self._face = FaceTracker(face, faces)  # type: ignore[arg-type]
        self._hands = [HandTracker(left, hand, recrop, palms) for left in (True, False)]  # type: ignore[arg-type]
        self._ahead = ThreadPoolExecutor(1, "body")

    def reset(self) -> None:
        """Forget what was followed, as at a cut."""
        self._body.reset()
        self._face.reset()
        for hand in self._hands:
            hand.reset()

    def choose(self, frame: np.ndarray, choice: PersonChoice, index: int) -> None:
        """Follow nobody but the person at a place in `frame` (uint8 `[H,W,3]`), frame `index` of those to come.

        Before that frame, after cuts and whenever they were lost, they are known by the colours of their trunk.
        Raises NoPersonFound if nobody is found at the place.
        """
        shrunk = Shrunk(np.ascontiguousarray(frame))
        fits: list[tuple[float, int]] = []
        bodies = self._body.everybody(shrunk, places_around(choice, shrunk.size))
        for k, body in enumerate(bodies):
            points, scores = np.zeros((WHOLE_BODY.num_joints, 2)), np.zeros(WHOLE_BODY.num_joints)
            fill_body(points, scores, body.points, body.scores)
            fits.append((place_fit(points, scores, choice, shrunk.size), k))
        fit, k = max(fits, default=(0.0, 0))
        if fit <= 0:
            raise NoPersonFound(
                f"Nobody was found at {choice} by MediaPipe; another frame where the person is large and whole, or "
                f"another detector such as dwpose, would do."
            )
        self._body.only(bodies[k], index)

    def detect(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points float32 `[n,133,2]` px and scores float32 `[n,133]` of uint8 frames `[n,H,W,3]`, in order."""
        points = np.zeros((len(frames), WHOLE_BODY.num_joints, 2), np.float32)
        scores = np.zeros((len(frames), WHOLE_BODY.num_joints), np.float32)
        for i, found in enumerate(self.follow((frame, False) for frame in frames)):
            points[i], scores[i] = found
        return points, scores

    def follow(self, frames: Iterable[tuple[np.ndarray, bool]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Points `[133,2]` and scores `[133]` of each frame in turn; one frame is asked for ahead.

        True beside a frame says that it has nothing to do with the one before (a cut).
        """
        coming: Future[tuple[Shrunk, Body | None]] | None = None
        is_new = False
        try:
            for frame, next_is_new in frames:
                following = self._ahead.submit(self._find_body, frame, next_is_new)
                if coming is not None:
                    before, coming = coming, following
                    yield self._complete(*before.result(), is_new)
                coming, is_new = following, next_is_new
            if coming is not None:
                before, coming = coming, None
                yield self._complete(*before.result(), is_new)
        finally:
            if coming is not None and not coming.cancel():
                wait([coming])

    def _find_body(self, frame: np.ndarray, is_new: bool) -> tuple[Shrunk, Body | None]:
        if is_new:
            self._body.reset()
        shrunk = Shrunk(np.ascontiguousarray(frame))
        return shrunk, self._body.step(shrunk)

    def _complete(self, frame: Shrunk, body: Body | None, is_new: bool) -> tuple[np.ndarray, np.ndarray]:
        points = np.zeros((WHOLE_BODY.num_joints, 2), np.float32)
        scores = np.zeros(WHOLE_BODY.num_joints, np.float32)
        if is_new or body is None:
            self._face.reset()
            for tracker in self._hands:
                tracker.reset()
        if body is not None:
            self._fill(frame, body, points, scores)
        return points, scores

    def _fill(self, frame: Shrunk, body: Body, points: np.ndarray, scores: np.ndarray) -> None:
        fill_body(points, scores, body.points, body.scores)
        face = self._face.step(frame, body)
        if face is not None:
            fill_face(points, scores, *face)
        left, right = (tracker.step(frame, body) for tracker in self._hands)
        hands = settle_hands(left, right, body)
        for tracker, hand in zip(self._hands, hands, strict=True):
            if hand is None:
                tracker.drop()
            else:
                fill_hand(points, scores, tracker.left, hand.points, hand.presence)
        discount_outside(points, scores, frame.size, _OUTSIDE * body.region.side)
        np.clip(scores, 0, 1, out=scores)
        points[scores == 0] = 0

    def close(self) -> None:
        """Ends the thread and frees the networks."""
        self._ahead.shutdown(wait=True, cancel_futures=True)
        for graph in self._graphs:
            graph.close()
        self._graphs = []

    def __enter__(self) -> HolisticDetector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def places_around(choice: PersonChoice, size: tuple[int, int]) -> list[Region]:
    """Squares of a picture of `size` in which somebody at the place would be seen large."""
    width, height = size
    if choice.kind == "point":
        x, y = choice.numbers
        return [Region(x, y, side) for side in (height, height / 2, height / 4)]
    if choice.kind == "box":
        x0, y0, x1, y1 = choice.numbers
    elif choice.mask is not None and choice.mask.any():
        rows, columns = np.nonzero(choice.mask.any(axis=1))[0], np.nonzero(choice.mask.any(axis=0))[0]
        across, down = width / choice.mask.shape[1], height / choice.mask.shape[0]
        x0, x1, y0, y1 = columns[0] * across, columns[-1] * across, rows[0] * down, rows[-1] * down
    else:
        return []
    return [Region(float(x0 + x1) / 2, float(y0 + y1) / 2, float(max(x1 - x0, y1 - y0, 16)) * k) for k in (1.3, 2.0)]
