import pytest

torch = pytest.importorskip("torch")

from motion_transfer.sampling.noise import window_noise, window_seed  # noqa: E402

SHAPE = (16, 3, 8, 6)


def test_a_window_drawn_again_is_the_same_whatever_was_drawn_before():
    torch.randn(7)
    first = window_noise(3, 5, SHAPE)
    window_noise(3, 4, SHAPE)
    assert torch.equal(first, window_noise(3, 5, SHAPE))


def test_windows_and_seeds_differ_and_look_normal():
    drawn = [window_noise(s, w, SHAPE) for s in (0, 1) for w in range(3)]
    for k, a in enumerate(drawn):
        assert abs(float(a.mean())) < 0.1 and abs(float(a.std()) - 1) < 0.1
        assert all(float((a - b).abs().mean()) > 0.5 for b in drawn[k + 1 :])


def test_the_first_window_is_what_comfyui_draws():
    """comfy.sample.prepare_noise: torch.manual_seed, then randn of the whole batch on the CPU."""
    torch.manual_seed(11)
    theirs = torch.randn((1, *SHAPE))
    assert torch.equal(window_noise(11, 0, SHAPE), theirs[0])


def test_the_largest_seed_works_and_a_larger_one_is_refused():
    assert 0 <= window_seed(2**63 - 1, 9) < 2**63
    with pytest.raises(ValueError):
        window_seed(2**63, 0)
