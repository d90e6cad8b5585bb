"""MediaPipe's networks, one small graph each: a square crop goes in, points in 0..1 of the crop come out.

The crops are ours (see `regions`), so that we decide who is looked at: MediaPipe's own solutions choose
for themselves and jump to another person. The graphs keep no state: same crop, same answer. Facts on
subgraphs, sizes and side packets: MediaPipe 0.10.21, `modules/*/*.pbtxt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .mediapipe_import import load_mediapipe, quiet, require_solutions


@dataclass(frozen=True)
class Found:
    """A detection: box and key points in 0..1 of the crop."""

    score: float
    centre: np.ndarray
    side: float
    """Longer side of the box."""
    keypoints: np.ndarray
    """float64 `[K,2]`."""


@dataclass(frozen=True)
class Landmarks:
    """What a landmark network says of one crop."""

    points: np.ndarray
    """float64 `[K,2]`, 0..1 of the crop, may lie outside it."""
    presence: float
    """0..1: is there such a thing in the crop at all."""
    scores: np.ndarray
    """float64 `[K]`, 0..1; all 1 where the network has no opinion on single points."""
    extra: np.ndarray
    """float64 `[E,2]`: for the body, centre and edge of the next region; else empty."""
    right_handed: float = 0.5
    """0..1: how much a hand looks like a right one of its owner (for pictures that are not mirrored)."""


class _Graph:
    def __init__(
        self,
        calculator: str,
        size: int,
        outputs: Sequence[tuple[str, str]],
        *,
        takes_region: bool = True,
        side: dict[str, Any] | None = None,
        presence: str | None = None,
    ) -> None:
        require_solutions()
        load_mediapipe()
        with quiet():
            from mediapipe.framework.formats import rect_pb2
            from mediapipe.python.solution_base import SolutionBase

            names = [name for _, name in outputs]
            lines = ['input_stream: "image"', *(f'input_side_packet: "{name}"' for name in side or {})]
            node = [f'calculator: "{calculator}"', 'input_stream: "IMAGE:image"']
            if takes_region:
                lines.append('input_stream: "roi"')
                node.append('input_stream: "ROI:roi"')
            node += [f'input_side_packet: "{name.upper()}:{name}"' for name in side or {}]
            node += [f'output_stream: "{tag}:{name}"' for tag, name in outputs]
            lines += [f'output_stream: "{name}"' for name in names]
            text = "\n".join([*lines, "node {", *node, "}"])
            self._inputs: dict[str, Any] = {}
            if takes_region:
                self._inputs["roi"] = vars(rect_pb2)["NormalizedRect"](x_center=0.5, y_center=0.5, width=1, height=1)
            self._presence = presence
            self._graph: Any = SolutionBase(
                graph_config=text, side_inputs=side, outputs=[*names, *([presence] if presence else [])]
            )
            self.size = size
            self.run(np.zeros((size, size, 3), np.uint8))  # the last of the chatter comes with the first picture

    def run(self, crop: np.ndarray) -> Any:
        return self._graph.process({"image": crop, **self._inputs})

    def close(self) -> None:
        self._graph.close()


class Finder(_Graph):
    """A detector of bodies, faces or palms."""

    def __init__(self, calculator: str, size: int) -> None:
        super().__init__(calculator, size, [("DETECTIONS", "found")], takes_region=False)

    def __call__(self, crop: np.ndarray) -> list[Found]:
        result = []
        for detection in self.run(crop).found or []:
            place = detection.location_data
            box = place.relative_bounding_box
            result.append(
                Found(
                    float(detection.score[0]),
                    np.array([box.xmin + box.width / 2, box.ymin + box.height / 2]),
                    float(max(box.width, box.height)),
                    np.array([(k.x, k.y) for k in place.relative_keypoints]).reshape(-1, 2),
                )
            )
        return result


class BodyNet(_Graph):
    """33 body points; the model called 'full' (complexity 1), the only one that the wheel holds."""

    def __init__(self) -> None:
        super().__init__(
            "PoseLandmarkByRoiCpu",
            256,
            [("LANDMARKS", "points"), ("AUXILIARY_LANDMARKS", "extra")],
            side={"model_complexity": 1},
            presence="poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__pose_presence_score",
        )

    def __call__(self, crop: np.ndarray) -> Landmarks | None:
        answer = self.run(crop)
        if answer.points is None or answer.extra is None:
            return None
        scores = np.array([p.visibility * p.presence for p in answer.points.landmark])
        presence = getattr(answer, self._presence or "")
        return Landmarks(_xy(answer.points), float(presence), scores, _xy(answer.extra))

    def both_ways(self, crop: np.ndarray) -> Landmarks | None:
        """The mean of what is seen in the crop and in its mirror image, at twice the price.

        Joints of a drawn dancer within 5 % of the torso: 97 instead of 95 %.
        """
        seen = self(crop)
        mirrored = None if seen is None else self(np.ascontiguousarray(crop[:, ::-1]))
        if seen is None or mirrored is None:
            return seen
        points = (seen.points + (mirrored.points * [-1, 1] + [1, 0])[_OTHER_SIDE]) / 2
        return replace(seen, points=points, scores=(seen.scores + mirrored.scores[_OTHER_SIDE]) / 2)


class BodyMatteNet(_Graph):
    """Where the person is whose body fills the crop: the same model as `BodyNet`, asked for its segmentation."""

    def __init__(self) -> None:
        super().__init__(
            "PoseLandmarkByRoiCpu",
            256,
            [("LANDMARKS", "points"), ("SEGMENTATION_MASK", "matte")],
            side={"model_complexity": 1, "enable_segmentation": True},
        )

    def __call__(self, crop: np.ndarray) -> np.ndarray | None:
        """float32 `[256,256]` 0..1, or None where no body is seen."""
        matte = self.run(crop).matte
        return None if matte is None else np.asarray(matte, np.float32).reshape(crop.shape[:2])


_OTHER_SIDE = [0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(j + 1 if j % 2 else j - 1 for j in range(11, 33))]
"""Of each of the 33, its mirror partner."""


class HandNet(_Graph):
    """21 hand points. There is one presence for the whole hand and none for single points."""

    def __init__(self) -> None:
        super().__init__(
            "HandLandmarkCpu",
            224,
            [("LANDMARKS", "points"), ("HANDEDNESS", "handedness")],
            presence="handlandmarkcpu__hand_presence_score",
        )

    def __call__(self, crop: np.ndarray) -> Landmarks | None:
        answer = self.run(crop)
        if answer.points is None:
            return None
        right = 0.5
        if answer.handedness is not None and answer.handedness.classification:
            best = answer.handedness.classification[0]
            # The network was trained on mirrored pictures: its 'Left' is our right.
            right = best.score if best.label.lower().startswith("left") else 1 - best.score
        points = _xy(answer.points)
        return Landmarks(points, float(getattr(answer, self._presence or "")), np.ones(21), points[:0], float(right))


class FaceNet(_Graph):
    """478 face points; the model with attention, which sees lips and lids better, for 1 ms more."""

    def __init__(self) -> None:
        super().__init__(
            "FaceLandmarkCpu",
            192,
            [("LANDMARKS", "points")],
            side={"with_attention": True},
            presence="facelandmarkcpu__face_presence_score",
        )

    def __call__(self, crop: np.ndarray) -> Landmarks | None:
        answer = self.run(crop)
        if answer.points is None:
            return None
        points = _xy(answer.points)
        return Landmarks(points, float(getattr(answer, self._presence or "")), np.ones(len(points)), points[:0])


class HandRecrop(_Graph):
    """Looks at the rough window from the body's points and says where the hand's true window is."""

    def __init__(self) -> None:
        super().__init__("HandRecropByRoiCpu", 256, [("HAND_ROI_FROM_RECROP", "region")])

    def __call__(self, crop: np.ndarray) -> tuple[float, float, float, float] | None:
        """Centre x, y and side in 0..1 of the crop, turn in radians."""
        region = self.run(crop).region
        if region is None:
            return None
        return region.x_center, region.y_center, max(region.width, region.height), region.rotation


def _xy(landmarks: Any) -> np.ndarray:
    return np.array([(p.x, p.y) for p in landmarks.landmark], np.float64).reshape(-1, 2)
