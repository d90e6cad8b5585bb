"""The character made ready for an engine: read, scaled, given an even size, its joints and cut-out found.

What detection and segmentation found is kept in the cache under the hash of the picture and of what was
asked, so that a second run with the same character loads neither.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Set
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ..core import Character, Host, InputError, Need, PoseTrack, TransferJob, UnreadableImage
from ..pose.character_pose import LookAtStill, find_character_pose
from ..pose.cut_out import cut_out
from ..pose.detector import detector_for, follows_everybody
from ..pose.mediapipe_import import has_solutions
from ..pose.motion_file import load_motion
from ..pose.networks import network_ids, open_finder, open_pose_network
from ..pose.openpose_json import read_openpose_json
from ..pose.shoulders import settled_shoulders
from ..pose.still_networks import look_at_still
from ..video import read_character
from .digests import array_digest, digest_of
from .motion_cache import detector_models, detector_version, is_motion_file
from .places import write_beside

PREPARATION_VERSION = 4
"""Changed whenever the same picture gives other pixels, joints or cut-outs."""

SHORT_SIDES = {"480p": 480, "720p": 720, "1080p": 1080}
MAX_SIDE = 8192  # px; the largest that H.264 players and encoders agree on
_OPAQUE = 255


def prepare_character(job: TransferJob, needs: Set[Need], size_multiple: int, cache: Path, host: Host) -> Character:
    """The character as the engine will see it.

    Scaled down (never up) to the short side of `job.resolution`. An odd side grows by one repeated row or
    column; for engines that need a larger multiple than 2 the rest is cropped evenly from both sides.

    Raises UnreadableImage, BadMotionFile.
    """
    given = read_character(job.character, mask=job.mask)
    size_to_make(job, given, size_multiple)
    character = fit(given, job.resolution, size_multiple, blend=job.mask is None)
    if job.character_pose is not None and "character_pose" in needs:
        pose = read_pose(Path(job.character_pose), given.size)
        character = replace(character, pose=moved_pose(pose, given.size, job.resolution, size_multiple, character.size))
    return _with_findings(character, needs, cache, host, job.detector)


def size_to_make(job: TransferJob, given: Character, size_multiple: int) -> tuple[int, int]:
    """Width and height that the given picture will be worked on at. UnreadableImage where no video can be so large."""
    width, height = working_size(given.size, job.resolution, size_multiple)
    if max(width, height) > MAX_SIDE:
        raise UnreadableImage(
            f"{job.character} would give a video of {width}x{height} px; at most {MAX_SIDE} px on a side can be "
            f"encoded. A smaller size (`resolution=1080p`) would do for most pictures."
        )
    return width, height


def working_size(size: tuple[int, int], resolution: str, multiple: int) -> tuple[int, int]:
    """What a picture or film of `size` is worked on at: never larger, both sides divisible by `multiple`."""
    return _placing(size, resolution, multiple)[3]


def fit(character: Character, resolution: str, multiple: int, *, blend: bool) -> Character:
    """The picture at its working size. `blend`: colours under transparent pixels are not to bleed."""
    scaled, x0, y0, size = _placing(character.size, resolution, multiple)
    pixels, alpha = character.pixels, character.alpha
    if scaled != character.size:
        pixels, alpha = _scaled(pixels, alpha, scaled, blend)
    pixels = _cut_or_grow(pixels, x0, y0, size)
    alpha = None if alpha is None else _cut_or_grow(alpha, x0, y0, size)
    return replace(character, pixels=pixels, alpha=alpha, pose=None)


def _placing(
    size: tuple[int, int], resolution: str, multiple: int
) -> tuple[tuple[int, int], int, int, tuple[int, int]]:
    """Size after scaling; left and top of the cut inside it; final size."""
    width, height = size
    factor = min(1.0, SHORT_SIDES.get(resolution, min(size)) / min(size))
    scaled = (max(1, round(width * factor)), max(1, round(height * factor)))
    if multiple <= 2:
        return scaled, 0, 0, (scaled[0] + scaled[0] % 2, scaled[1] + scaled[1] % 2)
    final = (scaled[0] // multiple * multiple, scaled[1] // multiple * multiple)
    return scaled, (scaled[0] - final[0]) // 2, (scaled[1] - final[1]) // 2, final


def _scaled(
    pixels: np.ndarray, alpha: np.ndarray | None, size: tuple[int, int], blend: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    plain = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if alpha is None:
        return plain, None
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    if not blend:
        return plain, small
    weight = alpha.astype(np.float32) / _OPAQUE
    seen = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    for c in range(3):  # one channel at a time: a picture may have 100 megapixels
        weighed = cv2.resize(pixels[..., c] * weight, size, interpolation=cv2.INTER_AREA)
        straight = np.where(seen > 0, weighed / np.maximum(seen, 1e-6), plain[..., c])
        plain[..., c] = np.clip(np.rint(straight), 0, 255)
    return plain, small


def _cut_or_grow(picture: np.ndarray, x0: int, y0: int, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    picture = picture[y0 : y0 + height, x0 : x0 + width]
    grow = [(0, height - picture.shape[0]), (0, width - picture.shape[1])] + [(0, 0)] * (picture.ndim - 2)
    return np.ascontiguousarray(np.pad(picture, grow, mode="edge"))


def read_pose(path: Path, size: tuple[int, int]) -> PoseTrack:
    """One frame of joints from an OpenPose JSON or a `.motion` file; `size` where the JSON names no canvas."""
    if not path.is_file():
        raise InputError(
            f"There is no pose file {path}; the character's joints (`character_pose`) are an OpenPose JSON or a .motion file."
        )
    known = load_motion(path).main if is_motion_file(path) else read_openpose_json(path, size=size)
    return known.cut(0, 1)


def moved_pose(
    pose: PoseTrack, original: tuple[int, int], resolution: str, multiple: int, final: tuple[int, int]
) -> PoseTrack:
    """From pixels of the picture that the pose was made on to pixels of the prepared one."""
    if abs(pose.size[0] * original[1] - pose.size[1] * original[0]) > 0.02 * pose.size[1] * original[1]:
        raise InputError(
            f"The pose was made on a picture of {pose.size[0]}x{pose.size[1]}, but the character is "
            f"{original[0]}x{original[1]}; a pose of the same picture is needed."
        )
    scaled, x0, y0, _ = _placing(original, resolution, multiple)
    factor = np.array([scaled[0] / pose.size[0], scaled[1] / pose.size[1]], np.float32)
    points = (pose.points + 0.5) * factor - 0.5 - np.array([x0, y0], np.float32)
    return replace(pose, points=points.astype(np.float32), size=final)


def _with_findings(character: Character, needs: Set[Need], cache: Path, host: Host, detector: str) -> Character:
    """With joints and cut-out where they are needed and not known yet; from the cache if they were found before."""
    find_alpha = "character_alpha" in needs and character.alpha is None
    find_pose = "character_pose" in needs and character.pose is None
    if not find_alpha and not find_pose:
        return character
    asked = {
        "pixels": array_digest(character.pixels),
        "alpha": array_digest(character.alpha),
        "find": [find_alpha, find_pose],
        "preparation": PREPARATION_VERSION,
        "detector": detector_version(detector_models(host)),
        **_networks_asked(detector, host, find_pose),
    }
    path = cache / "characters" / f"{digest_of(asked)}.npz"
    known = _read_findings(path, character)
    if known is not None:
        character, notes = known
        for message in notes:
            host.note(message)
        return character
    notes: list[str] = []

    def keep(message: str) -> None:
        notes.append(message)
        host.note(message)

    if find_pose:
        with ExitStack() as lent:
            character = replace(
                character,
                pose=find_character_pose(
                    character, keep, otherwise=lambda: networks_for_still(detector, host, keep, lent)
                ),
            )
    if find_alpha:  # after the joints, which help to tell it from the background
        character = replace(character, alpha=cut_out(character))
    if find_pose and character.pose is not None and character.alpha is not None:  # not joints that somebody gave
        character = replace(character, pose=settled_shoulders(character.pose, character.alpha))
    _save_findings(path, character, notes)
    return character


def _networks_asked(detector: str, host: Host, find_pose: bool) -> dict[str, str]:
    """Which pose networks would look at the picture: none where MediaPipe is."""
    if not find_pose or has_solutions():
        return {}
    name = detector_for(detector, host.find_weights, host.device)
    return {"networks": network_ids(name, host.find_weights, host.device)} if follows_everybody(name) else {}


def networks_for_still(detector: str, host: Host, note: Callable[[str], None], lent: ExitStack) -> LookAtStill | None:
    """The job's detector, or whichever is here, for a still picture; None where that follows one person."""
    find = host.find_weights
    name = detector_for(detector, find, host.device)
    if not follows_everybody(name):
        return None
    finder = lent.enter_context(closing(open_finder("auto", find, host.device, note=note)))
    network = lent.enter_context(closing(open_pose_network(name, find, host.device, note=note)))
    for module in {id(m): m for m in (finder.module, network.module) if m is not None}.values():
        lent.enter_context(host.on_device(module))
    return lambda picture: look_at_still(picture, finder, network)


def _save_findings(path: Path, character: Character, notes: list[str]) -> None:
    arrays: dict[str, np.ndarray] = {"notes": np.array(notes, dtype=np.str_)}
    if character.alpha is not None:
        arrays["alpha"] = character.alpha
    if character.pose is not None:
        arrays |= {"points": character.pose.points, "scores": character.pose.scores}
    data = io.BytesIO()
    np.savez_compressed(data, allow_pickle=False, **arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_beside(path, data.getvalue())
    except (OSError, InputError):
        return  # a cache that cannot be written costs time, not the result


def _read_findings(path: Path, character: Character) -> tuple[Character, list[str]] | None:
    """None if there is no entry or it is damaged: then it is made again."""
    try:
        # From memory: NumPy would leave a damaged file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            pose = PoseTrack(file["points"], file["scores"], character.size) if "points" in file else None
            alpha = file.get("alpha")
            return replace(character, alpha=alpha, pose=pose), [str(n) for n in file["notes"]]
    except Exception:  # noqa: BLE001  zip, npy and header damage each raise something else
        return None
