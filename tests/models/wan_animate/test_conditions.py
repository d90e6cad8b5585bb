"""The packing of known frames and their mask, against the rule written out a second time, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from motion_transfer.models.wan_animate.conditions import (  # noqa: E402
    known_frames,
    move_frames,
    packed_known,
    packed_mask,
    replace_frames,
)

SIZE = (32, 48)  # width, height
LATENT = (6, 4)


def place_of(frame):
    """Latents and channels of one frame's mask: frame 0 fills all four channels of latent 0."""
    return [(0, c) for c in range(4)] if frame == 0 else [((frame + 3) // 4, (frame + 3) % 4)]


@pytest.mark.parametrize("n", range(5, 82, 4))
@pytest.mark.parametrize("carried", [0, 1, 5])
@pytest.mark.parametrize("replace", [False, True])
def test_the_mask_follows_the_packing_rule(n, carried, replace):
    random = np.random.default_rng(n)
    outside = random.random((n, SIZE[1], SIZE[0])) > 0.4 if replace else None
    packed = packed_mask(known_frames(n, carried, SIZE, outside)).numpy()
    assert packed.shape == (4, (n - 1) // 4 + 1, *LATENT)
    wanted = np.full_like(packed, -1)
    for frame in range(n):
        for latent, channel in place_of(frame):
            known = outside[frame, ::8, ::8] if replace else 0
            wanted[channel, latent] = 1 if frame < carried else known
    assert np.array_equal(packed, wanted)


@pytest.mark.parametrize("frame", range(1, 77))
def test_one_frame_touches_one_channel_of_one_latent(frame):
    """A mask that lies at row f instead of f + 3 is three frames early and runs over the carried latents."""
    known = np.zeros((77, *LATENT), np.float32)
    known[frame] = 1
    packed = packed_mask(known).numpy()
    touched = np.argwhere(packed.any(axis=(2, 3)))
    assert touched.tolist() == [[(frame + 3) % 4, (frame + 3) // 4]]
    early = np.zeros((80, *LATENT), np.float32)
    early[frame] = 1  # the old error
    early = early.reshape(20, 4, *LATENT).transpose(1, 0, 2, 3)
    assert not np.array_equal(packed, early)


def test_five_carried_frames_are_two_whole_latents():
    packed = packed_mask(known_frames(77, 5, SIZE)).numpy()
    assert (packed[:, :2] == 1).all() and (packed[:, 2:] == 0).all()
    one = packed_mask(known_frames(77, 1, SIZE)).numpy()
    assert (one[:, :1] == 1).all() and (one[:, 1:] == 0).all()


def test_the_reference_is_slot_zero_and_all_known():
    reference, latent = torch.randn(16, 1, *LATENT), torch.randn(16, 20, *LATENT)
    mask = packed_mask(known_frames(77, 1, SIZE))
    y = packed_known(reference, latent, mask)
    assert y.shape == (20, 21, *LATENT) and y.dtype == torch.float32
    assert (y[:4, 0] == 1).all() and torch.equal(y[4:, :1], reference)
    assert torch.equal(y[:4, 1:], mask) and torch.equal(y[4:, 1:], latent)


def test_what_is_to_be_made_is_grey_or_black():
    carried = np.full((5, SIZE[1], SIZE[0], 3), 51, np.uint8)
    move = move_frames(17, carried, SIZE)
    assert (move[:5] == np.float32(0.2)).all() and (move[5:] == 0.5).all()
    assert (move_frames(17, None, SIZE) == 0.5).all()
    random = np.random.default_rng(0)
    background = random.integers(1, 256, (17, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    outside = random.random((17, SIZE[1], SIZE[0])) > 0.5
    made = replace_frames(background, outside, carried)
    assert (made[:5] == 51).all()
    assert (made[5:][~outside[5:]] == 0).all()
    assert np.array_equal(made[5:][outside[5:]], background[5:][outside[5:]])


def test_the_mask_is_scaled_as_torch_does_it():
    outside = np.random.default_rng(1).random((5, SIZE[1], SIZE[0])) > 0.5
    theirs = torch.nn.functional.interpolate(torch.from_numpy(outside)[None].float(), size=LATENT, mode="nearest")[0]
    assert np.array_equal(known_frames(5, 0, SIZE, outside), theirs.numpy())
