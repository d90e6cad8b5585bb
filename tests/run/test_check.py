"""The check of a driving video finds the fault that was put in, tells when it is, and leaves a good clip alone."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_transfer.run.check import check_driving_video
from motion_transfer.run.host import LocalHost
from motion_transfer.video import FrameList, open_video

DANCER = Path(__file__).resolve().parents[2] / "demo" / "media" / "dancer.mp4"
RATE = Fraction(24)


@pytest.fixture(scope="module")
def dance():
    """40 frames of the dancer at 640x360, before a wall with a pattern, so that a camera's motion can be seen."""
    frames = next(iter(open_video(DANCER).chunks(40, 20))).pixels
    small = np.stack([cv2.resize(f, (640, 360), interpolation=cv2.INTER_AREA) for f in frames])
    pattern = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 60, (360, 640, 1)).astype(np.float32), (0, 0), 3)
    pattern = np.repeat(pattern[..., None], 3, axis=2)
    background = np.median(small, axis=0)
    away = np.abs(small.astype(np.int16) - background.astype(np.int16)).max(axis=3, keepdims=True) < 12
    return np.where(away, (small + 3 * pattern).clip(0, 255), small).astype(np.uint8)


def found(frames, rate=RATE):
    report = check_driving_video(
        "clip", LocalHost(), open_source=lambda _: FrameList(np.ascontiguousarray(frames), rate)
    )
    return {f.code: f for f in report.findings}, report


def test_a_good_clip_is_left_alone(dance):
    codes, report = found(dance)
    assert not [f for f in codes.values() if f.level != "tell"]
    assert report.ok and report.verdicts[0].word == "good"


def moved_crop(dance, dx, zoom=0.0):
    out = []
    for t, f in enumerate(dance):
        matrix = np.float32([[1 + zoom * t, 0, dx * t - 320 * zoom * t], [0, 1 + zoom * t, -180 * zoom * t]])
        out.append(cv2.warpAffine(f, matrix, (640, 360), borderMode=cv2.BORDER_REFLECT))
    return np.stack(out)


def covered(dance):
    out = dance.copy()
    out[8:34, 195:360] = (90, 120, 90)  # a table between the legs and the camera
    return out


def with_cut(dance):
    other = 255 - dance[:, :, ::-1] // 2
    return np.concatenate([dance[:20], other[20:]])


def two_people(dance):
    half = dance[:, :, 160:480]
    return np.concatenate([half, half[:, :, ::-1]], axis=2)


def far_away(dance):
    out = np.full((len(dance), 720, 1280, 3), 150, np.uint8)
    for t, f in enumerate(dance):
        out[t, 300:480, 500:820] = cv2.resize(f, (320, 180), interpolation=cv2.INTER_AREA)
    return out


FAULTS = {
    "cut": with_cut,
    "camera": lambda d: moved_crop(d, 6.0),
    "several_people": two_people,
    "hidden": covered,
    "blur": lambda d: np.stack([cv2.GaussianBlur(f, (0, 0), 5) for f in d]),
    "flicker": lambda d: np.stack([(f * (1 + 0.08 * (-1) ** t)).clip(0, 255) for t, f in enumerate(d)]).astype(
        np.uint8
    ),
    "repeats": lambda d: np.repeat(d[::2], 2, axis=0),
    "small": far_away,
    "feet_out": lambda d: d[:, :300],
    "hands_out": lambda d: d[:, :, 250:420],
}


@pytest.mark.parametrize("code", FAULTS)
def test_an_injected_fault_is_found_and_explained(dance, code):
    codes, report = found(FAULTS[code](dance))
    assert code in codes, f"found only {sorted(codes)}"
    finding = codes[code]
    assert finding.reason.endswith(".") and finding.advice.endswith(".")
    assert 0 <= finding.start_seconds <= finding.stop_seconds <= report.seconds


def test_a_cut_is_told_with_its_time(dance):
    assert found(with_cut(dance))[0]["cut"].start_seconds == pytest.approx(20 / 24, abs=0.01)


@pytest.mark.parametrize("rate", [Fraction(10), Fraction(15), Fraction(60)])
def test_a_rate_that_models_do_not_know_is_told(dance, rate):
    assert "rate" in found(dance[:12], rate)[0]


def test_a_clip_without_anybody_stops_every_engine():
    frames = np.tile(np.linspace(40, 200, 640, dtype=np.uint8)[None, None, :, None], (24, 360, 1, 3))
    codes, report = found(frames)
    assert codes["nobody"].level == "stop"
    assert not report.ok and report.verdicts[0].word == "unfit"


def test_the_report_is_json_and_lines(dance):
    _, report = found(dance[:8])
    assert json.loads(report.to_json())["ok"] is True
    assert all("\n" not in line for line in report.lines())
