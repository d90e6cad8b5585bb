"""The same joints from MediaPipe's Tasks, for releases that no longer bring their models along.

From 0.10.30 on MediaPipe holds no models and no graphs of its own; the user has `pose_landmarker.task`
(full or heavy) and, for fingers and face, `hand_landmarker.task` and `face_landmarker.task`. The person is
followed as the Tasks follow it; a jump to somebody else is noticed and scored 0. Facts: MediaPipe's Tasks
guide (vision: PoseLandmarker, HandLandmarker, FaceLandmarker; running mode VIDEO).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core import WHOLE_BODY, MissingPackage, MissingWeights
from .mediapipe_import import INSTALL, load_mediapipe, mediapipe_version, quiet
from .mediapipe_order import discount_outside, fill_body, fill_face, fill_hand
from .regions import Shrunk, head_region

POSE_FILES = (
    "pose_landmarker_full.task",
    "pose_landmarker.task",
    "pose_landmarker_heavy.task",
    "pose_landmarker_lite.task",
)
HAND_FILES = ("hand_landmarker.task",)
FACE_FILES = ("face_landmarker.task", "face_landmarker_v2.task")
WHERE = "https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker"
_FACE_PX = 320
_STEP_MS = 33  # the clock that the Tasks' tracking wants; not the clip's
_FAR = 0.35  # of the body's height; nobody's middle moves further in one frame
_FORGET_AFTER = 30  # frames without the person after which another one is believed
_WRIST_REACH = 0.12  # of the body's height: a hand further from the body's wrist is somebody else's


def tasks_id(models: Path | None) -> str:
    """Name and version of a detector on these files, loading nothing."""
    version = ".".join(map(str, mediapipe_version() or (0,)))
    files = [find_model(models, names) for names in (POSE_FILES, HAND_FILES, FACE_FILES)]
    return f"mediapipe-{version}/tasks-1/" + "+".join(f.stem for f in files if f is not None)


def find_model(models: Path | None, names: Sequence[str]) -> Path | None:
    """The first of `names` in the folder `models` or in its sub-folder 'detection'."""
    if models is not None:
        for folder in (models, models / "detection", models.parent / "detection"):
            for name in names:
                if (folder / name).is_file():
                    return folder / name
    return None


class TasksDetector:
    """A `Detector` on the user's `.task` files; body alone if only the pose file is there."""

    def __init__(self, models: Path | None) -> None:
        version = mediapipe_version()
        if version is None or version < (0, 10, 9):
            raise MissingPackage(
                f"MediaPipe's Tasks need mediapipe 0.10.9 or newer: pip install mediapipe, or {INSTALL}"
            )
        pose = find_model(models, POSE_FILES)
        if pose is None:
            raise MissingWeights(
                f"No {POSE_FILES[0]} was found in {models or 'any folder given'}; get it from {WHERE} and name its "
                f"folder, or use the models that come with: {INSTALL}"
            )
        self.id = tasks_id(models)
        mediapipe = load_mediapipe()
        self._mediapipe: Any = mediapipe
        self._files = {"pose": pose, "hand": find_model(models, HAND_FILES), "face": find_model(models, FACE_FILES)}
        self._parts: dict[str, Any] = {}
        self._chatted = False  # the last of MediaPipe's chatter comes with the first person
        self._open()

    def _open(self) -> None:
        with quiet():
            from mediapipe.tasks import python as tasks

            vision: Any = tasks.vision
            kinds = {
                "pose": (vision.PoseLandmarker, vision.PoseLandmarkerOptions, {"num_poses": 1}),
                "hand": (vision.HandLandmarker, vision.HandLandmarkerOptions, {"num_hands": 2}),
                "face": (vision.FaceLandmarker, vision.FaceLandmarkerOptions, {"num_faces": 1}),
            }
            for part, (landmarker, options, numbers) in kinds.items():
                file = self._files[part]
                if file is None:
                    continue
                base = tasks.BaseOptions(
                    model_asset_buffer=file.read_bytes()
                )  # a path with odd letters fails on Windows
                # The face's detector sees large faces only: it is shown the head alone, one still after another.
                mode = vision.RunningMode.IMAGE if part == "face" else vision.RunningMode.VIDEO
                self._parts[part] = landmarker.create_from_options(
                    options(base_options=base, running_mode=mode, **numbers)
                )
        self._clock_ms = 0
        self._middle: np.ndarray | None = None
        self._height = 0.0
        self._lost = 0
        self._fresh = True

    def reset(self) -> None:
        """Forget what was followed; the Tasks do so only when they are opened anew."""
        if not self._fresh:
            self._close_parts()
            self._open()

    def detect(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points float32 `[n,133,2]` px and scores float32 `[n,133]` of uint8 frames `[n,H,W,3]`, in order."""
        points = np.zeros((len(frames), WHOLE_BODY.num_joints, 2), np.float32)
        scores = np.zeros((len(frames), WHOLE_BODY.num_joints), np.float32)
        for i, frame in enumerate(frames):
            self._one(np.ascontiguousarray(frame), points[i], scores[i])
        return points, scores

    def _one(self, frame: np.ndarray, points: np.ndarray, scores: np.ndarray) -> None:
        self._fresh = False
        size = (frame.shape[1], frame.shape[0])
        image = self._image(frame)
        self._clock_ms += _STEP_MS
        with contextlib.nullcontext() if self._chatted else quiet():
            found = {
                name: part.detect_for_video(image, self._clock_ms)
                for name, part in self._parts.items()
                if name != "face"
            }
        people = found["pose"].pose_landmarks
        if not people or not self._is_the_same(body := _pixels(people[0], size)):
            self._lost += 1
            return
        fill_body(points, scores, body, np.array([_certainty(p) for p in people[0]]))
        height = max(float(np.ptp(body, axis=0).max()), 1.0)
        if "face" in self._parts:
            head = head_region(body[:11])
            crop = self._image(Shrunk(frame).crop(head, _FACE_PX))
            with contextlib.nullcontext() if self._chatted else quiet():
                faces = self._parts["face"].detect(crop).face_landmarks
            mesh = head.to_frame(_relative(faces[0])) if faces else None
            if mesh is not None and _eyes_agree(mesh, body, 0.15 * head.side):
                fill_face(points, scores, mesh, 1.0)
        self._chatted = True
        if "hand" in found:
            hands = [_pixels(hand, size) for hand in found["hand"].hand_landmarks]
            sure = [float(kind[0].score) for kind in found["hand"].handedness]
            for left, k in assign_hands(hands, body[15], body[16], _WRIST_REACH * height).items():
                fill_hand(points, scores, left, hands[k], sure[k])
        discount_outside(points, scores, size, 0.02 * height)
        np.clip(scores, 0, 1, out=scores)
        points[scores == 0] = 0

    def _image(self, pixels: np.ndarray) -> Any:
        return self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=pixels)

    def _is_the_same(self, body: np.ndarray) -> bool:
        middle, height = body[[11, 12, 23, 24]].mean(axis=0), float(np.ptp(body, axis=0).max())
        if self._middle is not None and self._lost < _FORGET_AFTER:
            reach = _FAR * self._height * min(1 + 0.1 * self._lost, 3)
            if np.hypot(*(middle - self._middle)) > reach or not 0.5 < height / max(self._height, 1.0) < 2:
                return False
        self._middle, self._height, self._lost = middle, height, 0
        return True

    def _close_parts(self) -> None:
        for part in self._parts.values():
            with contextlib.suppress(RuntimeError, ValueError):  # closed already
                part.close()
        self._parts = {}

    def close(self) -> None:
        self._close_parts()

    def __enter__(self) -> TasksDetector:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()


def assign_hands(
    hands: Sequence[np.ndarray], left_wrist: np.ndarray, right_wrist: np.ndarray, reach: float
) -> dict[bool, int]:
    """Which hand (index) is the left one (True) and which the right: by the nearer wrist, each wrist once.

    Handedness as the network names it depends on mirroring; where the arm ends does not. Hands further than
    `reach` px from a wrist belong to nobody.
    """
    pairs = sorted(
        (float(np.hypot(*(hand[0] - wrist))), left, k)
        for k, hand in enumerate(hands)
        for left, wrist in ((True, left_wrist), (False, right_wrist))
    )
    result: dict[bool, int] = {}
    for away, left, k in pairs:
        if away <= reach and left not in result and k not in result.values():
            result[left] = k
    return result


def _eyes_agree(mesh: np.ndarray, body: np.ndarray, reach: float) -> bool:
    """Whether the face's eyes are where the body's are, within `reach` px, left with left."""
    left, right = mesh[[263, 362]].mean(axis=0), mesh[[33, 133]].mean(axis=0)
    return bool(np.hypot(*(left - body[2])) < reach and np.hypot(*(right - body[5])) < reach)


def _pixels(landmarks: Any, size: tuple[int, int]) -> np.ndarray:
    """float64 `[K,2]`; the Tasks count in 0..1 of the picture, from its border."""
    return _relative(landmarks) * size - 0.5


def _relative(landmarks: Any) -> np.ndarray:
    return np.array([(p.x, p.y) for p in landmarks], np.float64)


def _certainty(landmark: Any) -> float:
    visibility, presence = landmark.visibility, landmark.presence
    return (1.0 if visibility is None else visibility) * (1.0 if presence is None else presence)
