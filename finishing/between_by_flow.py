"""Frames between two frames without weights: motion by OpenCV's DIS optical flow, in both directions.

For a moment t between frame 0 and frame 1:

1. Flow from 0 to 1 and from 1 to 0. Where there and back do not meet, something covers or uncovers something: such
   flow counts for little.
2. Each frame's flow is carried along itself to the moment t, which says, per pixel at t, where it comes from. Where
   nothing arrives from a frame, that frame does not see what is there.
3. Every pixel at t chooses among the candidates (carried from 0, carried from 1, standing still) the one under which
   the two frames look most alike around it.
4. Both frames are fetched along the choice and mixed by nearness in time, and by who sees the pixel at all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np

FLOW_SIDE_PX = 640
"""Longer side at which motion is estimated; finer does not follow motion better, and takes the square of the time."""
_STRIPES = 4
"""DIS works in as many stripes as there are threads and its result depends on them: a fixed number gives the same
pixels on every machine."""
_NEAR_PX = 1.5
"""Where the flow there and back misses by this, it counts for 1/e."""
_LEAST = 1e-3
_AROUND_PX = 7
"""Window in which candidates are compared."""
_SEEN = 0.35
"""Of a pixel that must have arrived from a frame for that frame to be believed to see it."""
_BLIND = 0.02
"""Weight of a frame that does not see a pixel, where the other one does not either."""
_IN_FRONT = 0.5
"""Where two motions arrive at one place, the one that differs more from the picture's middle motion lies in front: its
weight grows by e for every two pixels."""
_FARTHEST_PX = 12.0
_UNSEEN = 12.0
"""Levels of difference that a candidate is charged where nothing trusted arrives with it."""
_STILL = 20.0
"""And standing still always: an arm may pass between two frames over a background that looks alike in both."""

_one_at_a_time = threading.Lock()


class BetweenByFlow:
    """A `Between` (see `interpolator`) of arithmetic alone."""

    fingerprint = "flow-1"

    def between(self, before: np.ndarray, after: np.ndarray, shares: Sequence[float]) -> np.ndarray:
        """uint8 `[n,H,W,3]` at each of `shares` of the way from `before` to `after`."""
        if np.array_equal(before, after):
            return np.repeat(before[None], len(shares), axis=0)
        pair = _Pair(before, after)
        return np.stack([pair.at(float(share)) for share in shares])


def blended(before: np.ndarray, after: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Plain cross-fade, uint8 `[n,H,W,3]`; what motion compensation is measured against."""
    a, b = before.astype(np.float32), after.astype(np.float32)
    return np.stack([np.rint(a + np.float32(s) * (b - a)).astype(np.uint8) for s in shares])


class _Pair:
    """Two frames and what moves between them, at the size where motion is estimated."""

    def __init__(self, before: np.ndarray, after: np.ndarray) -> None:
        self.frames = (before, after)
        height, width = before.shape[:2]
        scale = min(1.0, FLOW_SIDE_PX / max(height, width))
        self.size = (max(16, round(width * scale)), max(16, round(height * scale)))
        small = [cv2.resize(f, self.size, interpolation=cv2.INTER_AREA) for f in self.frames]
        self.small = [np.asarray(s).astype(np.float32) for s in small]
        grey = [cv2.cvtColor(np.asarray(s), cv2.COLOR_RGB2GRAY) for s in small]
        with _fixed_stripes():
            self.there = _flow(grey[0], grey[1])
            self.back = _flow(grey[1], grey[0])
        x, y = np.meshgrid(np.arange(self.size[0], dtype=np.float32), np.arange(self.size[1], dtype=np.float32))
        self.x, self.y = x, y
        self.trust = (self._trust(self.there, self.back), self._trust(self.back, self.there))

    def _trust(self, flow: np.ndarray, other: np.ndarray) -> np.ndarray:
        """1 where following `flow` and then `other` leads back, towards 0 where it does not."""
        returned = flow + self._fetched(other, flow, 1.0)
        miss = np.sqrt((returned**2).sum(axis=2))
        return np.exp(-miss / _NEAR_PX)

    def _fetched(self, picture: np.ndarray, flow: np.ndarray, along: float) -> np.ndarray:
        """`picture` at every pixel's place moved `along` times `flow`."""
        return cv2.remap(
            picture, self.x + along * flow[..., 0], self.y + along * flow[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip

    def at(self, share: float) -> np.ndarray:
        # Both candidates are motion per unit of time from 0 to 1, as seen at the moment.
        from_0, seen_0 = self._carried(self.there, self.trust[0], share)
        from_1, seen_1 = self._carried(self.back, self.trust[1], 1 - share)
        motion = self._chosen([from_0, -from_1, np.zeros_like(from_0)], [seen_0, seen_1], share)
        return self._mixed(motion, _weight_of_second(seen_0, seen_1, share), share)

    def _carried(self, flow: np.ndarray, trust: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
        """The flow where it has moved to after `share` of its time, and how much of each pixel arrived there."""
        width, height = self.size
        middle = np.median(flow[::4, ::4].reshape(-1, 2), axis=0)
        apart = np.sqrt(((flow - middle) ** 2).sum(axis=2))
        weight = (trust + _LEAST) * np.exp(_IN_FRONT * np.minimum(apart, _FARTHEST_PX))
        x, y = self.x + share * flow[..., 0], self.y + share * flow[..., 1]
        left, top = np.floor(x), np.floor(y)
        right_part, lower_part = (x - left).ravel(), (y - top).ravel()
        # Two cells more on every side take what leaves the picture, so that nothing has to be picked out.
        wide = width + 4
        place = ((np.clip(top, -2, height) + 2) * wide + np.clip(left, -2, width) + 2).astype(np.int64).ravel()
        carried_values = np.stack([flow[..., 0] * weight, flow[..., 1] * weight, weight, trust]).reshape(4, -1)
        sums = np.zeros((4, (height + 4) * wide))
        for below in (0, 1):
            for right in (0, 1):
                part = (right_part if right else 1 - right_part) * (lower_part if below else 1 - lower_part)
                cells = place + below * wide + right
                for k in range(4):
                    sums[k] += np.bincount(cells, carried_values[k] * part, sums.shape[1])
        sums = sums.reshape(4, height + 4, wide)[:, 2:-2, 2:-2]
        arrived = sums[3].astype(np.float32)
        carried = (sums[:2] / np.maximum(sums[2], 1e-6)).transpose(1, 2, 0)
        return _filled(carried.astype(np.float32), arrived > _SEEN), arrived

    def _chosen(self, candidates: list[np.ndarray], seen: list[np.ndarray], share: float) -> np.ndarray:
        """Of the candidates, the last of which stands still, the best for every pixel."""
        costs = []
        for motion in candidates:
            a = self._fetched(self.small[0], motion, -share)
            b = self._fetched(self.small[1], motion, 1 - share)
            costs.append(cv2.boxFilter(np.abs(a - b).mean(axis=2), -1, (_AROUND_PX, _AROUND_PX)))
        for k, arrived in enumerate(seen):
            costs[k] = costs[k] + _UNSEEN * np.clip(1 - arrived, 0, 1)
        costs[-1] = costs[-1] + _STILL
        best = np.stack(costs).argmin(axis=0)
        return np.take_along_axis(np.stack(candidates), best[None, ..., None], axis=0)[0]

    def _mixed(self, motion: np.ndarray, weight_1: np.ndarray, share: float) -> np.ndarray:
        """Both frames fetched along `motion`, at full size; `weight_1` is the second one's share."""
        height, width = self.frames[0].shape[:2]
        if (width, height) != self.size:
            scale = np.array([width / self.size[0], height / self.size[1]], np.float32)
            motion = cv2.resize(motion, (width, height), interpolation=cv2.INTER_LINEAR) * scale
            weight_1 = cv2.resize(weight_1, (width, height), interpolation=cv2.INTER_LINEAR)
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        fetched = [
            cv2.remap(
                f, x + along * motion[..., 0], y + along * motion[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            for f, along in zip(self.frames, (-share, 1 - share), strict=True)
        ]  # fmt: skip
        return np.asarray(cv2.blendLinear(fetched[0], fetched[1], 1 - weight_1, weight_1))


def _weight_of_second(seen_0: np.ndarray, seen_1: np.ndarray, share: float) -> np.ndarray:
    """float32 `[H,W]`: by nearness in time, and by who sees the pixel at all; softly, so that no border shows."""
    visible_0, visible_1 = (cv2.GaussianBlur(np.clip(s / _SEEN, 0, 1), (5, 5), 0) + _BLIND for s in (seen_0, seen_1))
    return share * visible_1 / ((1 - share) * visible_0 + share * visible_1)


def _flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """float32 `[H,W,2]`, pixels in x and y from `before` to `after`."""
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    return np.asarray(dis.calc(before, after, None))  # type: ignore[call-overload]


def _filled(flow: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Holes get the motion of what is around them, wider and wider."""
    if known.all():
        return flow
    weight = known.astype(np.float32)
    total, mass = flow * weight[..., None], weight
    result, open_ = flow.copy(), ~known
    for size in (5, 11, 25, 61, 151):
        around = cv2.boxFilter(mass, -1, (size, size))
        found = open_ & (around > 0.02)
        mean = cv2.boxFilter(total, -1, (size, size)) / np.maximum(around, 1e-6)[..., None]
        result[found] = mean[found]
        open_ &= ~found
        if not open_.any():
            return result
    result[open_] = 0
    return result


@contextmanager
def _fixed_stripes() -> Iterator[None]:
    with _one_at_a_time:
        before = cv2.getNumThreads()
        cv2.setNumThreads(_STRIPES)
        try:
            yield
        finally:
            cv2.setNumThreads(before)
