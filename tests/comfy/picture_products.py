"""What the nodes make whose product says more than their box: drawings, face crops, masks, a retargeted motion, a sheet."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from picture_finishing import FINISHING

from motion_transfer.core import Motion, TransferJob
from motion_transfer.pose.character_pose import find_character_pose
from motion_transfer.pose.clean import clean
from motion_transfer.pose.draw import draw_motion
from motion_transfer.pose.driver_mask import MaskRules, black_under, driver_masks
from motion_transfer.pose.face_boxes import cut_face, steady_face_boxes
from motion_transfer.pose.motion_file import load_motion
from motion_transfer.pose.retarget import plan_retarget
from motion_transfer.pose.retarget_preview import retarget_strip
from motion_transfer.run.host import LocalHost
from motion_transfer.run.report import report_result
from motion_transfer.run.report_sheet import draw_sheet
from motion_transfer.run.route import run
from motion_transfer.video import open_video, read_character

MEDIA = Path(__file__).resolve().parents[2] / "demo" / "media"
WIDTH_PX = 640
GAP_PX = 4
MOMENT = 30  # a frame with both arms away from the body


def _frame(t: int) -> np.ndarray:
    return next(iter(open_video(MEDIA / "dancer.mp4").chunks(1, t))).pixels[0]


def _middle(picture: np.ndarray) -> np.ndarray:
    """The part of a 16:9 picture in which the dancer stays."""
    height, width = picture.shape[:2]
    return picture[:, (width - height) // 2 : (width + height) // 2]


def _row(tiles: list[np.ndarray]) -> np.ndarray:
    """Tiles of one shape side by side, WIDTH_PX wide together."""
    wide = (WIDTH_PX - GAP_PX * (len(tiles) - 1)) // len(tiles)
    high = round(tiles[0].shape[0] * wide / tiles[0].shape[1])
    small = [cv2.resize(np.ascontiguousarray(t), (wide, high), interpolation=cv2.INTER_AREA) for t in tiles]
    gap = np.full((high, GAP_PX, 3), 255, np.uint8)
    return np.hstack([part for tile in small for part in (gap, tile)][1:])


def _rows(*rows: np.ndarray) -> np.ndarray:
    gap = np.full((GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    return np.vstack([part for row in rows for part in (gap, row)][1:])


def _drawn(motion: Motion, t: int, style: str, width: int) -> np.ndarray:
    """Drawn at `width` px: lines have their width in pixels, so that they show in the smaller tile."""
    size = (width, round(width * motion.size[1] / motion.size[0]))
    return draw_motion(motion, t, size, style, everyone=True)


def drawn_motion() -> np.ndarray:
    motion = load_motion(MEDIA / "dancer.motion")
    rows = ("wan", "openpose"), ("openpose-xinsir", "mimicmotion", "sdpose")
    tiles = [[_middle(_drawn(motion, MOMENT, style, 768)) for style in row] for row in rows]
    first = cv2.resize(np.ascontiguousarray(_middle(_frame(MOMENT))), tiles[0][0].shape[1::-1])
    return _rows(_row([first, *tiles[0]]), _row(tiles[1]))


def drawn_video() -> np.ndarray:
    motion = load_motion(MEDIA / "duet.motion")
    tiles = [_drawn(motion, t, "openpose", 640) for t in (0, 40, 80, 120)]
    return _rows(_row(tiles[:2]), _row(tiles[2:]))


def face_crops() -> np.ndarray:
    motion = load_motion(MEDIA / "dancer.motion")
    boxes, _ = steady_face_boxes(motion.main, motion.timeline.rate, cuts=motion.cuts)
    x0, y0, x1, y1 = (round(float(v)) for v in boxes[MOMENT])
    whole = cv2.rectangle(_frame(MOMENT).copy(), (x0, y0), (x1, y1), (255, 200, 0), 3)
    return _row([_middle(whole), *(cut_face(_frame(t), boxes[t], 256) for t in (MOMENT, 60, 90, 120))])


def masked_driver() -> np.ndarray:
    motion = load_motion(MEDIA / "dancer.motion")
    track = clean(motion.main, motion.timeline.rate, cuts=motion.cuts)
    rules = MaskRules(blocks_wide=10, blocks_high=20)
    found = driver_masks(open_video(MEDIA / "dancer.mp4"), track, rules=rules, start=MOMENT, stop=MOMENT + 1)
    mask, frame = next(iter(found)), _frame(MOMENT)
    white = mask[0, ..., None].repeat(3, -1)
    return _row([_middle(p) for p in (frame, white, black_under(frame[None], mask)[0])])


def retargeted_motion() -> np.ndarray:
    motion: Motion = load_motion(MEDIA / "dancer.motion")
    heroine = read_character(MEDIA / "heroine.png")
    pose = find_character_pose(heroine, print)
    plan = plan_retarget(motion.main, pose, rate=motion.timeline.rate, cuts=motion.cuts)
    strip = retarget_strip(replace(heroine, pose=pose).pixels, {"ours": plan}, 5)
    return _row([strip])


def sheet_of_a_result() -> np.ndarray:
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        job = TransferJob(
            character=str(MEDIA / "heroine.png"), driving=str(MEDIA / "dancer.mp4"), output=str(place / "heroine.mp4"),
            engine="puppet", resolution="480p",
        )  # fmt: skip
        run(job, LocalHost(), work_dir=place)
        return _row([draw_sheet(report_result(place / "heroine.mp4", LocalHost(), cache=place))])


PRODUCTS: dict[str, Callable[[], np.ndarray]] = {
    "MT_DrawMotion": drawn_motion,
    "MT_DrawMotionVideo": drawn_video,
    "MT_FaceCrops": face_crops,
    "MT_CharacterMask": masked_driver,
    "MT_RetargetMotion": retargeted_motion,
    "MT_CheckResult": sheet_of_a_result,
    **FINISHING,
}
"""Node id to a function that gives uint8 `[h,640,3]`."""
