"""Who is in a single frame, seen cheaply: the main person's body, and whether somebody else is there.

For the check of a driving video, which looks a few times a second and needs neither face, hands nor exact
joints. One pass of the body's network per look instead of the extraction's two to four; the finder of people only
where the person is not where the last look left them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .mediapipe_graphs import BodyNet, Finder
from .mediapipe_order import BODY_17_FROM_33
from .regions import ROOM_WHEN_FOLLOWED, Region, Shrunk, body_region

PRESENT = 0.5
"""Below this the network itself says that nobody is in the window."""
SURE = 0.6  # a finder's score that needs no look at enlarged parts of the picture
OTHER_PRESENT = 0.8  # of a bystander: who is wrongly said to be there does more harm than one overlooked
OTHER_VISIBLE = 0.5
_TRUNK = [5, 6, 11, 12]  # in the order of 17
_FOLLOWED_FAR, _FOLLOWED_GROWTH = 0.3, 1.35  # a window that moved or grew so much is looked at once more
_OTHERS_PX = 640  # bystanders are looked for in a picture of this longer side
_BONES = ((5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16))
_SAME_WINDOW = 0.25  # of its side: two windows so near show the same person
_FAR_TILES = 2.2  # the picture's shorter side over that of the tiles in which people far away are looked for
_SAME = 0.4  # of the smaller box: more than this shared with the main person is the main person


@dataclass(frozen=True)
class SeenBody:
    """One body on one frame."""

    points: np.ndarray
    """float32 `[17,2]` px, in the order of COCO; where the network puts them, also outside the picture."""
    scores: np.ndarray
    """float32 `[17]`, 0..1: visible, as far as the network can tell; also outside the picture."""
    region: Region
    presence: float = 1.0
    """0..1: how sure the network is that somebody is there."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 px around the joints that are seen."""
        seen = self.points[self.scores > 0.3] if (self.scores > 0.3).sum() >= 3 else self.points
        return (*seen.min(axis=0).tolist(), *seen.max(axis=0).tolist())  # type: ignore[return-value]


class PeopleGlance:
    """Looks at single frames, given in order. Open it with `with`.

    MissingPackage unless a MediaPipe that brings its own models is installed (0.10.9 to 0.10.21).
    """

    def __init__(self) -> None:
        self._net, self._finder = BodyNet(), Finder("PoseDetectionCpu", 224)
        self._last: Region | None = None

    def forget(self) -> None:
        """The next frame has nothing to do with the one before (a cut)."""
        self._last = None

    def main(self, frame: np.ndarray) -> SeenBody | None:
        """The largest person of `frame` (uint8 `[H,W,3]` RGB), or the one seen last; None where nobody is."""
        shrunk = Shrunk(frame)
        body = None if self._last is None else self._settled(shrunk, self._last)
        if body is None:
            found = self._found(shrunk)
            for region, _ in sorted(found, key=lambda f: -f[0].side * f[1])[:3]:
                body = self._settled(shrunk, region, twice=True)
                if body is not None:
                    break
        self._last = None if body is None else body.region
        return body

    def far_away(self, frame: np.ndarray) -> SeenBody | None:
        """Somebody too small for `main`, who is then followed by it; some twenty times its price."""
        shrunk = Shrunk(frame)
        width, height = shrunk.size
        side = min(width, height) / _FAR_TILES
        across, down = (max(2, int(np.ceil(1.6 * length / side)) - 1) for length in (width, height))
        tiles = [
            Region(float(x), float(y), side)
            for y in np.linspace(side / 2, height - side / 2, down)
            for x in np.linspace(side / 2, width - side / 2, across)
        ]
        for region, _ in sorted(self._in_views(shrunk, tiles), key=lambda f: -f[1])[:3]:
            body = self._settled(shrunk, region, twice=True)
            if body is not None and body.presence > OTHER_PRESENT and _shows_a_trunk(body):
                self._last = body.region
                return body
        return None

    def others(self, frame: np.ndarray, main: SeenBody | None) -> list[SeenBody]:
        """People besides `main`, in px of `frame`; several in one part of the picture may count as one."""
        scale = min(1.0, _OTHERS_PX / max(frame.shape[:2]))
        size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        bodies = [] if main is None else [main]
        if main is not None:
            small = _without(small, main, scale)
        shrunk = Shrunk(small)
        looked: list[Region] = []
        for region, _ in sorted(self._found(shrunk, everywhere=True), key=lambda f: -f[1]):
            if any(_same_window(region, other) for other in looked):
                continue
            looked.append(region)
            body = self._look(shrunk, region)
            if body is None or not _shows_a_trunk(body):
                continue
            r = body.region
            region = Region(r.x / scale, r.y / scale, r.side / scale, r.turn)
            body = SeenBody(body.points / scale, body.scores, region, body.presence)
            if all(_shared(body.box, other.box) < _SAME for other in bodies):
                bodies.append(body)
        return bodies if main is None else bodies[1:]

    def _found(self, frame: Shrunk, *, everywhere: bool = False) -> list[tuple[Region, float]]:
        """Windows around people and how sure the finder is."""
        width, height = frame.size
        x, y, long, short = (width - 1) / 2, (height - 1) / 2, max(width, height), min(width, height)
        views = [Region(x, y, long)]
        if long > 1.2 * short:
            steps = np.linspace(-1, 1, 3) * (long - short) / 2
            views += [Region(x + s, y, short) if width > height else Region(x, y + s, short) for s in steps]
        found: list[tuple[Region, float]] = []
        for k, view in enumerate(views):
            if k == 1 and not everywhere and any(score > SURE for _, score in found):
                break
            found += self._in_views(frame, [view])
        return found

    def _in_views(self, frame: Shrunk, views: list[Region]) -> list[tuple[Region, float]]:
        found = []
        for view in views:
            for f in self._finder(frame.crop(view, 224, replicate=False)):
                middle, edge = view.to_frame(f.keypoints[:2])
                found.append((body_region(middle, edge), f.score))
        return found

    def _settled(self, frame: Shrunk, region: Region, *, twice: bool = False) -> SeenBody | None:
        """The body in a window, looked at again from where it turned out to be, if that is elsewhere."""
        body = self._look(frame, region)
        if body is None:
            return None
        moved = float(np.hypot(*(body.region.centre - region.centre))) / region.side
        ratio = body.region.side / region.side
        if twice or moved > _FOLLOWED_FAR or not 1 / _FOLLOWED_GROWTH < ratio < _FOLLOWED_GROWTH:
            body = self._look(frame, body.region)
        return body

    def _look(self, frame: Shrunk, region: Region) -> SeenBody | None:
        seen = self._net(frame.crop(region, 256))
        if seen is None or seen.presence < PRESENT:
            return None
        points = region.to_frame(seen.points)[BODY_17_FROM_33].astype(np.float32)
        scores = (seen.scores * seen.presence)[BODY_17_FROM_33].astype(np.float32)
        middle, edge = region.to_frame(seen.extra)
        following = body_region(middle, edge, ROOM_WHEN_FOLLOWED)
        width, height = frame.size
        inside = ((points >= 0) & (points < [width, height])).all(axis=1) & (scores > 0.3)
        if inside.sum() < 4 or not 8 < following.side < 8 * max(width, height):
            return None
        return SeenBody(points, scores, following, seen.presence)

    def close(self) -> None:
        self._net.close()
        self._finder.close()

    def __enter__(self) -> PeopleGlance:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _without(picture: np.ndarray, body: SeenBody, scale: float) -> np.ndarray:
    """The picture with the body smeared over by what is around it, so that the finder sees whoever is left."""
    points = body.points * scale
    mask = np.zeros(picture.shape[:2], np.uint8)
    trunk = points[[5, 6, 12, 11]].astype(np.int32)
    length = max(4.0, float(np.ptp(points[[0, 5, 6, 11, 12], 1])))  # nose to hips
    cv2.fillConvexPoly(mask, cv2.convexHull(trunk), 255)
    for a, b in _BONES:
        start, stop = (tuple(int(v) for v in points[j]) for j in (a, b))
        cv2.line(mask, start, stop, 255, max(3, int(0.38 * length)))
    cv2.circle(mask, tuple(int(v) for v in points[:5].mean(axis=0)), max(3, int(0.38 * length)), 255, -1)
    for wrist in (9, 10):
        cv2.circle(mask, tuple(int(v) for v in points[wrist]), max(3, int(0.3 * length)), 255, -1)
    # Blurred so widely that an eighth of the size is enough.
    size = (max(8, picture.shape[1] // 8), max(8, picture.shape[0] // 8))
    keep = cv2.resize(np.where(mask > 0, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA) / np.float32(255)
    keep = np.where(keep < 0.99, 0, keep).astype(np.float32)
    coarse = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    sigma = 0.06 * max(size)
    weight = cv2.GaussianBlur(keep, (0, 0), sigma) + 1e-3
    around = cv2.GaussianBlur(coarse * keep[..., None], (0, 0), sigma) / weight[..., None]
    around = cv2.resize(around.clip(0, 255).astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(mask[..., None] > 0, around, picture)


def _shows_a_trunk(body: SeenBody) -> bool:
    return int((body.scores[_TRUNK] > OTHER_VISIBLE).sum()) >= 3


def _same_window(a: Region, b: Region) -> bool:
    near = float(np.hypot(*(a.centre - b.centre))) < _SAME_WINDOW * min(a.side, b.side)
    return near and 1 / _FOLLOWED_GROWTH < a.side / b.side < _FOLLOWED_GROWTH


def _shared(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Overlap of two boxes in parts of the smaller one."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / max(1e-6, min((p[2] - p[0]) * (p[3] - p[1]) for p in (a, b)))
