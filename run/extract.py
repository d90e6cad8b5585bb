"""Extraction on its own: the motion of a film as a file that lasts, for many characters or other programs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from ..core import DETECTORS, CannotWrite, Host, Motion, UsageError
from ..finishing.interpolate_times import exact_rate
from ..pose.clean import clean
from ..pose.motion_file import save_motion
from ..pose.openpose_json import motion_from_openpose_json, write_openpose_json
from ..video import check_place
from .casting import chosen, read_choice
from .motion_cache import is_motion_file, load_or_extract, trim
from .places import cache_folder
from .pose_video import check_pose_video, draw_pose_video
from .preflight import input_is_there, may_replace


def extract(
    driving: Path,
    host: Host,
    *,
    output: Path | None = None,
    openpose: Path | None = None,
    pose_video: Path | None = None,
    style: str = "wan",
    start_seconds: float = 0.0,
    stop_seconds: float | None = None,
    detector: str = "auto",
    person: str = "auto",
    rate: float | None = None,
    overwrite: bool = False,
    work_dir: Path | None = None,
) -> tuple[list[Path], Motion]:
    """The files that were written, and the motion in them.

    `detector` and `person` are those of `TransferJob`; of several people the chosen one comes first in the motion, and
    all of them are in it. Without `output` the motion lies beside the film under its name, unless only `openpose` or `pose_video` was asked
    for. `driving` may be joints that another program found (OpenPose JSON), shown at `rate` frames/s. The pose video shows everybody in `style` (see `pose.draw_styles`), cleaned as an engine would get them.
    """
    if detector not in DETECTORS:
        raise UsageError(f"There is no detector {detector!r}; there are {', '.join(DETECTORS)}.")
    if not start_seconds >= 0 or (stop_seconds is not None and not stop_seconds > start_seconds):
        raise UsageError(f"stop ({stop_seconds} s) must come after start ({start_seconds} s), and start not before 0.")
    if output is None and openpose is None and pose_video is None:
        output = driving.with_suffix(".motion")
    if output is not None and not is_motion_file(output):
        raise UsageError(f"A motion is written to a .motion file, not to {output}; {output.with_suffix('.motion')}?")
    frames_per_second = _rate_of_joints(driving, rate)
    if frames_per_second is None:
        input_is_there("driving video", driving)
    if pose_video is not None:
        check_pose_video(pose_video, style)
    wanted = [path for path in (output, openpose, pose_video) if path is not None]
    for path in wanted:
        if path.is_dir():
            raise CannotWrite(f"The output {path} is a folder; name a file in it.")
        if path.exists() and path.samefile(driving):
            raise UsageError(f"The output {path} is the driving file itself; choose another name (`output`).")
        check_place(path)
        may_replace(path, overwrite=overwrite, known=False)
    if frames_per_second is not None:
        joints = motion_from_openpose_json(driving, frames_per_second)
        motion = chosen(trim(joints, start_seconds, stop_seconds), read_choice(person))
    else:
        motion, _ = load_or_extract(
            driving,
            host,
            work_dir or cache_folder(),
            start_seconds=start_seconds,
            stop_seconds=stop_seconds,
            detector=detector,
            person=person,
        )
    if output is not None:
        save_motion(motion, output)
    if openpose is not None:
        write_openpose_json(motion.main, openpose)
    if pose_video is not None:
        tracks = tuple(clean(track, motion.timeline.rate, cuts=motion.cuts) for track in motion.tracks)
        draw_pose_video(replace(motion, tracks=tracks), style, pose_video, host)
    return wanted, motion


def _rate_of_joints(driving: Path, rate: float | None) -> Fraction | None:
    """Frames/s of OpenPose JSON, a file or a folder with one a frame; None for anything else. UsageError without a rate."""
    is_joints = driving.suffix.lower() == ".json" or (driving.is_dir() and any(driving.glob("*_keypoints.json")))
    if not is_joints:
        if rate is not None:
            raise UsageError("A frame rate (`rate`) is for OpenPose JSON; a video knows when its frames are shown.")
        return None
    if rate is None:
        raise UsageError(
            f"{driving} holds joints and not how many frames a second are shown; say it (`rate=24`, or whatever it is)."
        )
    if not 1 <= rate <= 1000:
        raise UsageError(f"rate is {rate:g}, but takes 1 to 1000 frames/s.")
    return exact_rate(rate)
