"""Retargeting against exact truth, by every mode: the same motion played by the other body, from the seeded generator.

    python benchmarks/retarget_figures.py

Mean |log| error of the core bones' lengths, mean error of 21 joints (no heels: Wan gives none) and of the ground, in % of the
character's height; then the same clip begun at nine places, and the time a plan of ten seconds takes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "pose"))

from retarget_cases import CASES, FEET, case, core_error, slide, whole

from motion_transfer.pose.retarget import MODES, plan_retarget

WAYS = [(mode, 0.0 if mode in ("wan", "mimicmotion") else 2.0) for mode in MODES]
NO_HEELS = [j for j in range(23) if j not in (19, 22)]  # Wan gives none


def main() -> None:
    print("core bones % / joints % / ground %")
    for name in CASES:
        driver, character, truth, contact = case(name)
        told = []
        for mode, smooth in WAYS:
            track = whole(plan_retarget(driver, character, rate=24, mode=mode, smooth=smooth))
            told.append(f"{mode} {_figures(track, truth, character)}")
        ours = whole(plan_retarget(driver, character, rate=24))
        print(f"{name:18} " + "   ".join(told) + f"   stance slide, ours {slide(ours, character, contact):.2f}")
    print("begun at nine places (A): mean, worst, spread")
    for mode, smooth in WAYS:
        errors = []
        for first in range(0, 45, 5):
            driver, character, truth, _ = case("A adult to child", first=first)
            track = whole(plan_retarget(driver, character, rate=24, mode=mode, smooth=smooth))
            errors.append([core_error(track.points, truth), _joints(track, truth, character)])
        core, joints = np.array(errors).T
        print(f"{mode:12} core {_spread(core)}   joints {_spread(joints)}")
    driver, character, _, _ = case("A adult to child", frames=240)
    for mode, smooth in WAYS:
        begun = time.perf_counter()
        whole(plan_retarget(driver, character, rate=24, mode=mode, smooth=smooth))
        print(f"{mode:12} 240 frames planned and made in {time.perf_counter() - begun:.2f} s")


def _figures(track, truth, character) -> str:
    height = np.ptp(character.points[0, :, 1])
    ground = np.abs(track.points[:, FEET, 1].max(1) - truth[:, FEET, 1].max(1)).mean() / height
    return f"{core_error(track.points, truth):.1f} / {_joints(track, truth, character):.1f} / {100 * ground:.1f}"


def _joints(track, truth, character) -> float:
    away = np.linalg.norm(track.points[:, NO_HEELS] - truth[:, NO_HEELS], axis=-1)
    return 100 * away.mean() / np.ptp(character.points[0, :, 1])


def _spread(values: np.ndarray) -> str:
    return f"{values.mean():.1f}, {values.max():.1f}, {np.ptp(values):.2f}"


if __name__ == "__main__":
    main()
