"""Whose motion goes where: the authors' own results, the factor between source and driver, the parts of a face."""

from __future__ import annotations

import numpy as np
import portrait_goldens as goldens
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_motion import EYE_POINTS, LIP_POINTS, PortraitMotion, key_points
from motion_transfer.face_motion.portrait_points import (
    expression_friendly,
    ratio_input,
    stitched,
    stitching_input,
    stretched,
)
from motion_transfer.face_motion.portrait_rotation import angle_between_degrees, turn_matrices
from motion_transfer.face_motion.portrait_smoother import random_walk
from motion_transfer.face_motion.portrait_transfer import (
    NEUTRAL_EXPRESSION,
    TransferSettings,
    expression_mask,
    transfer,
)

ROUNDING = 1e-5


def made_up_motion(frames, seed, wide=1.0):
    random = np.random.default_rng(seed)
    return PortraitMotion(
        (1.3 + 0.05 * random.random((frames, 1))).astype(np.float32),
        turn_matrices(wide * random.normal(0, 0.2, (frames, 3))).astype(np.float32),
        random.normal(0, 0.01, (frames, 21, 3)).astype(np.float32),
        random.normal(0, 0.05, (frames, 3)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def rest_points():
    return np.random.default_rng(9).normal(0, 0.3, (21, 3)).astype(np.float32)


def test_all_recorded_settings_are_the_authors():
    recording, notes = goldens.recorded("motion")
    templates, _ = goldens.recorded("driving_templates")
    source, kp = goldens.source_video(recording)
    networks = {name: goldens.small_network(name) for name in goldens.LAYERS}
    errors = {}
    for name, note in notes.items():
        if not name.startswith(("image/", "video/")):
            continue
        points = as_the_authors(recording, source, kp, goldens.driver(templates, note["template"]), note, networks)
        errors[name] = np.abs(points[:: note["frame_step"]] - recording[name]).max()
    # every one of the 12 recorded motions, and each further setting on one of them or on three
    assert {notes[n]["template"] for n in errors if n.startswith("image/rel_all/")} == {
        n.split("/")[0] for n in templates
    }
    assert len(errors) == 103 and len({n.rsplit("/", 1)[0] for n in errors}) == 48
    # float32 of values up to 0.9; measured 2.4e-7
    assert max(errors.values()) <= 1e-6, {n: e for n, e in errors.items() if e > 1e-6}


def as_the_authors(recording, source, kp, driving, note, networks):
    """What the authors' program hands to the warping network, put together from our parts."""
    flags, video = note["flags"], note["source"] == "video"
    if note["frames"]:
        driving = driving.at(note["frames"])
    frames = min(source.num_frames, driving.num_frames) if video and driving.num_frames > 1 else driving.num_frames
    driving = driving.cut(0, frames)
    source, kp = (source, kp) if video else (source.cut(0, 1), kp[0])
    source, kp = (source.cut(0, frames), kp[:frames]) if frames > 1 and video else (source, kp)
    marks = recording["source/lmk203"][: source.num_frames]
    relative = flags.get("flag_relative_motion", True)
    settings = TransferSettings(relative=relative, region=flags.get("animation_region", "all"))
    moved = transfer(source, driving, settings)
    if video and driving.num_frames > 1:
        moved = smoothed_afterwards(source, driving, moved, settings, flags)
    points, own = key_points(kp, moved), key_points(kp, source)
    if flags.get("driving_option") == "expression-friendly":
        points = expression_friendly(points, own)
    eyes, lips = goldens.closing_ratios(marks)
    stitch = lambda p: stitched(p, networks["stitching"](stitching_input(own, p)))  # noqa: E731
    delta = lambda name, r, to: networks[name](ratio_input(own, r, to)).reshape(-1, 21, 3)  # noqa: E731
    if flags.get("flag_eye_retargeting"):
        nothing = np.zeros((driving.num_frames, 3), np.float32)
        to_eyes = nothing[:, 0] if driving.eye_ratio is None else driving.eye_ratio[:, 0]
        to_lips = nothing[:, 0] if driving.lip_ratio is None else driving.lip_ratio[:, 0]
        points = (own if relative else points) + delta("eye", eyes, to_eyes) + delta("lip", lips, to_lips)
        points = stitch(points) if flags["flag_stitching"] else points
    else:
        points = stitch(points) if flags["flag_stitching"] else points
        if flags.get("flag_normalize_lip"):
            points = points + delta("lip", lips, 0.0) * (lips[:, :, None] >= 0.03)
        if flags.get("flag_source_video_eye_retargeting"):
            first = eyes[0].mean()
            points = points + delta("eye", eyes, 0.39 if first < 0.18 else first)
    return stretched(points, own, flags.get("driving_multiplier", 1.0))


def smoothed_afterwards(source, driving, moved, settings, flags):
    """The authors' order for a source video: source and driver are added first, their sum is smoothed."""
    noise = flags.get("driving_smooth_observation_variance", 3e-7)
    rotation, expression = moved.rotation, moved.expression
    if settings.region in ("all", "pose"):
        rotation = random_walk(moved.rotation, noise).astype(np.float32)
    mask = expression_mask(settings.region)
    wanted = driving.expression + (source.expression - driving.expression[:1] if settings.relative else 0)
    expression = np.where(mask, random_walk(wanted, noise), source.expression).astype(np.float32)
    return PortraitMotion(moved.scale, rotation, expression, moved.translation)


@pytest.mark.parametrize("relative", [True, False])
def test_the_factor_leads_from_the_source_to_the_driver_without_turning_back(rest_points, relative):
    source, driving = made_up_motion(1, 1), made_up_motion(5, 2, wide=3.0)
    steps = np.linspace(0, 2, 21)
    moved = [transfer(source, driving, TransferSettings(relative=relative, retargeting_factor=f)) for f in steps]
    assert np.array_equal(moved[0].rotation[3], source.rotation[0])
    assert np.array_equal(key_points(rest_points, moved[0])[3], key_points(rest_points, source)[0])
    away = np.array([angle_between_degrees(m.rotation, source.rotation[0]) for m in moved])[:11]
    assert (np.diff(away, axis=0) >= -1e-4).all() and away[-1].max() > 10
    for name in ("expression", "translation", "scale"):
        line = np.stack([np.log(getattr(m, name)) if name == "scale" else getattr(m, name) for m in moved])
        assert np.allclose(np.diff(line, n=2, axis=0), 0, atol=1e-6), name  # equal steps: monotone in every value


def test_factor_one_of_the_driver_at_rest_is_the_source(rest_points):
    source, driving = made_up_motion(1, 3), made_up_motion(6, 4)
    moved = transfer(source, driving, TransferSettings(retargeting_factor=1.7), reference=4)
    assert np.abs(key_points(rest_points, moved)[4] - key_points(rest_points, source)[0]).max() < 1e-6
    assert np.abs(key_points(rest_points, moved)[0] - key_points(rest_points, source)[0]).max() > 0.02


def test_each_part_of_a_face_has_its_own_factor():
    source, driving = made_up_motion(1, 5), made_up_motion(4, 6)
    whole = transfer(source, driving)
    groups = {"eyes": list(EYE_POINTS), "lips": list(LIP_POINTS)}
    groups["expression"] = [k for k in range(21) if k not in (*EYE_POINTS, *LIP_POINTS)]
    for name, points in groups.items():
        moved = transfer(source, driving, TransferSettings(**{name: 0.0}))
        others = [k for k in range(21) if k not in points]
        assert np.array_equal(moved.expression[:, points], np.repeat(source.expression[:, points], 4, axis=0))
        assert np.array_equal(moved.expression[:, others], whole.expression[:, others])
        assert np.array_equal(moved.rotation, whole.rotation)
    still = transfer(source, driving, TransferSettings(pose=0.0))
    assert np.array_equal(still.rotation, np.repeat(source.rotation, 4, axis=0))
    assert np.array_equal(still.expression, whole.expression)
    assert np.array_equal(still.scale, np.repeat(source.scale, 4, axis=0))


def test_scale_lock_keeps_the_size_and_nothing_else():
    source, driving = made_up_motion(1, 7), made_up_motion(4, 8)
    free, locked = transfer(source, driving), transfer(source, driving, TransferSettings(scale_lock=True))
    assert np.ptp(free.scale) > 0.01 and np.array_equal(locked.scale, np.repeat(source.scale, 4, axis=0))
    assert np.array_equal(locked.rotation, free.rotation) and np.array_equal(locked.translation, free.translation)


def test_lids_and_lips_set_by_ratio_keep_the_rest_of_the_motion(rest_points):
    source, driving = made_up_motion(1, 10), made_up_motion(4, 11)
    moved = transfer(source, driving, TransferSettings(own_eyes=True))
    eyes, others = list(EYE_POINTS), [k for k in range(21) if k not in EYE_POINTS]
    assert np.array_equal(moved.expression[:, eyes], np.repeat(source.expression[:, eyes], 4, axis=0))
    assert np.array_equal(moved.expression[:, others], transfer(source, driving).expression[:, others])
    assert np.ptp(key_points(rest_points, moved), axis=0).max() > 0.05  # the head goes on moving


def test_one_frame_is_an_expression_over_a_neutral_face(rest_points):
    source, driving = made_up_motion(1, 12), made_up_motion(1, 13)
    moved = transfer(source, driving)
    assert np.array_equal(moved.rotation, source.rotation) and np.array_equal(moved.scale, source.scale)
    assert np.allclose(moved.expression - source.expression, driving.expression - NEUTRAL_EXPRESSION, atol=1e-7)
    video = made_up_motion(3, 14)
    assert transfer(video, driving).num_frames == 3
    assert np.array_equal(transfer(video, driving).rotation, video.rotation)


def test_masks_leave_shape_alone():
    mask = expression_mask("all")
    assert not mask[[0, 7, 10]].any() and mask[[1, 2, 6, *range(11, 21)]].all() and mask.sum() == 45
    assert expression_mask("eyes").sum() == 15 and expression_mask("lip").sum() == 18
    assert not expression_mask("pose").any()


def test_what_does_not_go_together_is_refused_in_one_line():
    with pytest.raises(UsageError, match="source video has 3 frames and the driver 5"):
        transfer(made_up_motion(3, 0), made_up_motion(5, 0))
    with pytest.raises(UsageError, match=r"reference is frame 9.*0 to 4"):
        transfer(made_up_motion(1, 0), made_up_motion(5, 0), reference=9)
    with pytest.raises(UsageError, match="retargeting_factor goes from 0 to 2"):
        TransferSettings(retargeting_factor=2.5)
    with pytest.raises(UsageError, match="no region 'nose'"):
        TransferSettings(region="nose")
