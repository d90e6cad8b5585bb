"""The square around a face against the authors' own, how it follows a face, and the way back into the frame."""

from __future__ import annotations

import cv2
import numpy as np
import portrait_goldens as goldens
import pytest

from motion_transfer.core import UsageError
from motion_transfer.face_motion.portrait_crop import (
    FaceSquare,
    crop,
    crop_warning,
    driver_square,
    follow,
    network_input,
    scale_of_factor,
    square_around,
)
from motion_transfer.face_motion.portrait_paste import feather, matched, paste

CASES = {
    "source_default": (512, True, 2.3, -0.125),
    "source_norot": (512, False, 2.3, -0.125),
    "source_vx": (512, True, 1.7, 0.0),
    "landmark": (224, True, 1.5, -0.1),
}
ROUNDING_PX = 5e-3  # the authors' matrices are float32


@pytest.fixture(scope="module")
def reference():
    tensors = goldens.bundled("crop")
    for count in (68, 9, 5):  # stored only as they lie in a crop
        back = tensors[f"{count}/source_norot/M_c2o"].astype(np.float64)
        tensors[f"pts{count}"] = tensors[f"{count}/source_norot/pt_crop"] @ back[:2, :2].T + back[:2, 2]
    return tensors


@pytest.mark.parametrize("count", [203, 106, 101, 68, 9, 5])
def test_matrices_are_the_authors(reference, count):
    points = reference[f"pts{count}"][None]
    for name, (size, rotate, scale, shift) in CASES.items():
        matrix = square_around(points, scale, shift, rotate=rotate).matrices(size)[0]
        assert np.abs(matrix - reference[f"{count}/{name}/M_o2c"]).max() < ROUNDING_PX, name
        assert np.abs(np.linalg.inv(matrix) - reference[f"{count}/{name}/M_c2o"]).max() < ROUNDING_PX, name
    matrix = driver_square(points).matrices()[0]
    assert np.abs(matrix - reference[f"{count}/driving/M_o2c"]).max() < ROUNDING_PX


def test_crops_and_masks_are_the_authors(reference):
    frame, name = reference["frame_240x320"], "106/source_default"
    matrix = square_around(reference["pts106"][None], 2.3).matrices()[0]
    picture = crop(frame, matrix)
    # a last bit of the matrix moves a pixel by one level; OpenCV 4 rounds coordinates to 1/32 px: 2 levels
    assert np.abs(picture[::4, ::4].astype(int) - reference[f"{name}/img_crop_step4"]).max() <= 2
    assert np.abs(network_input(picture)[::2, ::2].astype(int) - reference[f"{name}/img_crop_256_step2"]).max() <= 2
    mask = cv2.warpAffine(feather(), np.linalg.inv(matrix)[:2], (320, 240))
    stored = reference[f"{name}/paste_mask_step2"]
    assert np.abs(mask[::2, ::2] / 255 - stored).max() <= 1.5 / 255


def test_the_feather_is_the_formula():
    y, x = np.mgrid[:512, :512]
    away = np.hypot(np.maximum(np.maximum(16 - x, x - 496), 0), np.maximum(np.maximum(16 - y, y - 496), 0))
    assert np.array_equal(feather(), np.floor(255 * np.clip(1 - away / 16, 0, 1)))
    assert (feather(0) == 255).all()
    assert np.count_nonzero(feather(64) == 255) < np.count_nonzero(feather(16) == 255)
    with pytest.raises(UsageError, match="feather goes from 0 to 128"):
        feather(200)


def made_up_picture(height, width, seed=0):
    """Soft colours, as a picture has away from its edges."""
    small = np.random.default_rng(seed).integers(60, 196, (height // 80 + 2, width // 80 + 2, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def a_face(centre=(300.0, 200.0), size=120.0, tilt_degrees=0.0):
    """68 points on an oval with eyes above lips, float64 `[1,68,2]`."""
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = np.stack([0.4 * np.cos(turn), 0.5 * np.sin(turn)], axis=1)
    points[[36, 39]], points[[42, 45]] = (-0.2, -0.2), (0.2, -0.2)
    points[[48, 54]] = (0, 0.25)
    angle = np.radians(tilt_degrees)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (size * points @ axes + np.array(centre))[None]


@pytest.mark.parametrize("tilt", [0.0, 25.0, -140.0])
def test_a_pasted_crop_changes_no_pixel_around_it_and_hardly_any_inside(tilt):
    frame = made_up_picture(480, 640)
    points = a_face(tilt_degrees=tilt)
    matrix = square_around(points, scale_of_factor(1.7)).matrices()[0]
    out = paste(frame, crop(frame, matrix), matrix)
    difference = np.abs(out.astype(int) - frame)
    inside = cv2.warpAffine(np.full((512, 512), 255, np.uint8), np.linalg.inv(matrix)[:2], (640, 480)) > 0
    assert difference[~inside].max() == 0
    face = cv2.fillConvexPoly(np.zeros((480, 640), np.uint8), cv2.convexHull(np.rint(points[0]).astype(np.int32)), 1)
    assert difference[face == 0].max() <= 1  # resampled twice, rounded to 8 bits twice
    assert difference.max() <= 2


def as_the_authors_paste(frame, made, matrix, mask):
    size = frame.shape[1::-1]
    back = np.linalg.inv(matrix)[:2]
    weight = cv2.warpAffine(cv2.merge([mask] * 3), back, size).astype(np.float32) / 255
    warped = cv2.warpAffine(
        made, back, size, borderMode=cv2.BORDER_REPLICATE
    )  # theirs mixes black into the last column
    return np.clip(weight * warped + (1 - weight) * frame, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("centre", [(300, 200), (20, 30), (630, 470)])
def test_the_region_alone_is_pasted_as_the_whole_frame_is(centre):
    frame, made = made_up_picture(480, 640, 1), np.random.default_rng(2).integers(0, 256, (512, 512, 3), np.uint8)
    matrix = square_around(a_face(centre, tilt_degrees=12), 2.0).matrices()[0]
    for width in (16, 0, 60):
        mask = feather(width)
        ours = paste(frame, made, matrix, mask).astype(int)
        theirs = as_the_authors_paste(frame, made, matrix, mask)
        off = np.abs(ours - theirs)
        # theirs cuts what ours rounds; a region's own coordinates move a noisy pixel by the last bit of its place
        assert np.quantile(off, 0.999) <= 1 and off.max() <= 3, (centre, width)


def test_a_square_outside_of_the_frame_changes_nothing():
    frame = made_up_picture(120, 160)
    matrix = square_around(a_face((5000, 5000)), 2.0).matrices()[0]
    assert np.array_equal(paste(frame, np.zeros((512, 512, 3), np.uint8), matrix), frame)


def test_a_users_mask_keeps_what_it_covers():
    frame, made = made_up_picture(480, 640), np.zeros((512, 512, 3), np.uint8)
    matrix, mask = square_around(a_face(), 2.0).matrices()[0], feather()
    mask[256:] = 0
    out = paste(frame, made, matrix, mask)
    assert np.array_equal(out[230:], frame[230:]) and out[120:160, 280:320].max() == 0
    own = frame.copy()
    assert paste(own, made, matrix, mask, out=own) is own and np.array_equal(own, out)
    with pytest.raises(UsageError, match="mask of a 512x512 crop is uint8"):
        paste(frame, made, matrix, mask[:100])


def test_colours_are_met_around_the_edge():
    frame = made_up_picture(480, 640, 3)
    matrix = square_around(a_face(tilt_degrees=8), 2.0).matrices()[0]
    own = crop(frame, matrix).astype(np.float64)
    light = np.array([9.0, -6.0, 4.0]) + np.linspace(-5, 5, 512)[None, :, None]  # another light from one side
    made = np.clip(np.rint(own + light), 0, 255).astype(np.uint8)
    made[200:300, 200:300] = 128  # the face itself may differ as it likes
    edge = np.ones((512, 512), bool)
    edge[24:-24, 24:-24] = False
    step = np.abs(made[edge] - own[edge]).mean()
    left = np.abs(matched(frame, made, matrix)[edge] - own[edge]).mean()
    assert step > 5 and left < 1
    half = np.abs(matched(frame, made, matrix, 0.5)[edge] - own[edge]).mean()
    assert left < half < step
    pasted = paste(frame, made, matrix, match=1.0)
    inside = np.abs(pasted.astype(float) - frame)[100:120, 200:400].mean()
    assert inside < np.abs(paste(frame, made, matrix).astype(float) - frame)[100:120, 200:400].mean() / 2


def test_a_smaller_factor_gives_the_face_more_pixels():
    frame_side = [float(square_around(a_face(), scale_of_factor(c)).side[0]) for c in (1.3, 1.7, 2.0)]
    assert np.allclose(np.array(frame_side) / 120, 1.15 * np.array([1.3, 1.7, 2.0]), atol=0.01)
    assert "cuts the head" in (crop_warning(1.2) or "") and crop_warning(1.3) is None
    with pytest.raises(UsageError, match=r"crop_factor goes from 0\.5 to 2, not 3"):
        scale_of_factor(3)
    with pytest.raises(UsageError, match="K one of 203, 106"):
        square_around(np.zeros((1, 70, 2)), 2)
    with pytest.raises(UsageError, match="all lie in one place"):
        square_around(np.ones((1, 68, 2)), 2)


def test_a_tilted_head_stands_upright_in_its_crop():
    points = a_face(tilt_degrees=-35)
    matrix = square_around(points, 2.0).matrices()[0]
    placed = points[0] @ matrix[:2, :2].T + matrix[:2, 2]
    eyes, lips = placed[[36, 39, 42, 45]].mean(axis=0), placed[[48, 54]].mean(axis=0)
    assert abs(eyes[0] - lips[0]) < 1e-6 and eyes[1] < lips[1]


def walking(frames=60, noise=0.0):
    random = np.random.default_rng(4)
    each = [a_face((200 + 2 * t, 150), 100 + 0.2 * t, 3 * t - 90)[0] for t in range(frames)]
    return square_around(np.stack(each) + noise * random.normal(size=(frames, 1, 2)), 2.0)


def test_a_crop_follows_its_face_without_shaking():
    still, shaking = walking(), walking(noise=1.5)
    seen = np.ones(60, bool)
    assert np.allclose(follow(still, seen, 25, 0).matrices(), still.matrices(), atol=1e-9)
    calm = follow(shaking, seen, 25, 2)
    assert goldens.jitter(calm.centre) < 0.3 * goldens.jitter(shaking.centre)
    assert np.abs(calm.centre - still.centre)[5:-5].max() < 3
    assert np.abs(calm.side / still.side - 1).max() < 0.02


def test_a_crop_is_bridged_over_frames_without_a_face_and_kept_for_each_frame():
    square, seen = walking(), np.ones(60, bool)
    seen[[0, 1, 30, 31, 32, 59]] = False
    hidden = FaceSquare(*(np.where(seen.reshape(-1, *[1] * (v.ndim - 1)), v, 0) for v in square.__dict__.values()))
    out = follow(hidden, seen, 25, 0)
    assert len(out.side) == 60 and np.array_equal(out.centre[seen], square.centre[seen])
    assert np.abs(out.centre - square.centre)[29:33].max() < 0.3  # a line where the walk is hardly bent
    assert np.allclose(out.centre[:2], square.centre[2]) and np.allclose(out.side[59], square.side[58])
    with pytest.raises(UsageError, match="No frame of this clip shows a face"):
        follow(square, np.zeros(60, bool), 25)


def test_a_crop_does_not_follow_across_a_cut_and_not_the_long_way_round():
    square = walking()
    turned = FaceSquare(square.centre, square.side, np.where(np.arange(60) < 30, np.pi - 0.01, -np.pi + 0.01))
    assert np.abs(np.cos(follow(turned, np.ones(60, bool), 25, 5).angle) + 1).max() < 1e-3
    jump = FaceSquare(square.centre + 300 * (np.arange(60) >= 30)[:, None], square.side, square.angle)
    a, b = (follow(s, np.ones(60, bool), 25, 5, cuts=(30,)) for s in (square, jump))
    assert np.allclose(a.centre[:30], b.centre[:30]) and np.allclose(a.centre[30:] + 300, b.centre[30:])
