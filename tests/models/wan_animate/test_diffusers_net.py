"""The network with everything computed once that can be, against diffusers' own forward."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from diffusers_tiny import FACE_SIDE, PICTURE, TEXT, tiny_transformer  # noqa: E402

from motion_transfer.face_motion.lmd_encoder import LmdEncoder  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_files import network_of  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_net import OnceOnly  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_stream import VISITORS, BlockStream  # noqa: E402

CPU = torch.device("cpu")
SLOTS, FRAMES = 4, 9


@pytest.fixture(scope="module")
def reference():
    return tiny_transformer()


@pytest.fixture
def inputs():
    draw = torch.Generator().manual_seed(1)

    def normal(*shape):
        return torch.randn(*shape, generator=draw)

    text = normal(1, 512, TEXT)
    text[:, 20:] = 0
    return {
        "latent": normal(1, 36, SLOTS, 8, 12),
        "timestep": torch.tensor([765]),
        "text": text,
        "picture": normal(1, 257, PICTURE),
        "pose": normal(1, 16, SLOTS - 1, 8, 12),
        "face": torch.rand(1, 3, FRAMES, FACE_SIDE, FACE_SIDE, generator=draw) * 2 - 1,
    }


def stock(reference, inputs, **other):
    x = {**inputs, **other}
    with torch.no_grad():
        return reference(x["latent"].clone(), x["timestep"], x["text"], x["picture"], x["pose"], x["face"]).sample


def ours(reference, drop=False, dtype=torch.float32):
    state = {k: v.to(dtype) for k, v in reference.state_dict().items() if not k.startswith("motion_encoder.")}
    net = network_of(state, "tiny")
    return net, OnceOnly(net, CPU)


def cached(net, once, inputs, vectors, drop=False, **other):
    cross, times = once.cross(inputs["text"], inputs["picture"]), once.times(inputs["timestep"])
    if drop:
        once.drop()
    face = None if vectors is None else once.faces(vectors)
    with torch.no_grad():
        return net(inputs["latent"], times[0], cross, inputs["pose"], face, **other)


def their_vectors(reference, face):
    with torch.no_grad():  # in the batches that their forward takes
        return torch.cat([reference.motion_encoder(x) for x in face[0].permute(1, 0, 2, 3).split(8)])[None]


@pytest.mark.parametrize("drop", [False, True])
def test_every_bit_is_the_same_when_only_the_caches_are_ours(reference, inputs, drop):
    net, once = ours(reference)
    got = cached(net, once, inputs, their_vectors(reference, inputs["face"]), drop)
    assert torch.equal(got, stock(reference, inputs))


def test_with_our_face_codes_too_it_is_the_same_network(reference, inputs):
    encoder = LmdEncoder(reference.motion_encoder.state_dict())
    faces = ((inputs["face"][0].permute(1, 2, 3, 0) + 1) / 2).numpy()
    vectors = encoder.vectors(torch.from_numpy(encoder.encode(faces)))[None]
    net, once = ours(reference)
    expected = stock(reference, inputs)
    error = (cached(net, once, inputs, vectors) - expected).norm() / expected.norm()
    assert error < 1e-5  # float32: the encoder multiplies in another order


def test_a_face_moves_the_picture_and_no_face_is_not_a_black_face(reference, inputs):
    net, once = ours(reference)
    vectors = their_vectors(reference, inputs["face"])
    black = their_vectors(reference, torch.full_like(inputs["face"], -1))
    made = [cached(net, once, inputs, v) for v in (vectors, black, None)]
    assert not torch.allclose(made[0], made[1], atol=1e-4) and not torch.allclose(made[1], made[2], atol=1e-4)


def test_pose_strength_scales_what_the_pose_adds(reference, inputs):
    net, once = ours(reference)
    vectors = their_vectors(reference, inputs["face"])
    one = cached(net, once, inputs, vectors, pose_strength=1.0)
    half = cached(net, once, inputs, vectors, pose_strength=0.5)
    weaker = tiny_transformer()
    for parameter in weaker.pose_patch_embedding.parameters():
        parameter.data *= 0.5
    assert torch.allclose(half, stock(weaker, inputs), atol=1e-5) and not torch.allclose(one, half, atol=1e-4)


def test_letting_go_takes_out_what_the_loop_never_reads(reference, inputs):
    net, once = ours(reference)
    whole = sum(p.numel() for n, p in reference.named_parameters() if not n.startswith("motion_encoder."))
    resident = sum(p.numel() for p in net.parameters())
    faces = sum(p.numel() for part in once.face_parts for m in part.values() for p in m.parameters())
    faces += sum(p.numel() for p in once.face_encoder.parameters())
    assert resident + faces + once.drop() == whole
    with pytest.raises(RuntimeError, match="let go"):
        once.cross(inputs["text"], inputs["picture"])
    assert len(once.faces(their_vectors(reference, inputs["face"]))) == 2  # windows go on


def test_half_precision_runs_and_is_near(reference, inputs):
    from motion_transfer.models.wan_animate.diffusers_files import kept_wide

    state = {
        k: v if kept_wide(k) else v.bfloat16()
        for k, v in reference.state_dict().items()
        if not k.startswith("motion_encoder.")
    }
    net = network_of(state, "tiny")
    once = OnceOnly(net, CPU)
    vectors = their_vectors(reference, inputs["face"])
    narrow = {k: v.bfloat16() if v.is_floating_point() and k in ("latent", "pose") else v for k, v in inputs.items()}
    expected = stock(reference, inputs)
    error = (cached(net, once, narrow, vectors).float() - expected).norm() / expected.norm()
    assert error < 0.03  # eight bits of mantissa through six blocks


@pytest.mark.parametrize("resident", [0, 2, 5, 6])
def test_blocks_that_visit_from_ram_make_the_same_picture(reference, inputs, resident):
    net, once = ours(reference)
    vectors = their_vectors(reference, inputs["face"])
    expected = cached(net, once, inputs, vectors)
    homes = [p.data_ptr() for b in net.blocks for p in b.parameters()]
    net.stream = BlockStream(list(net.blocks), CPU, resident)
    most, before = [], net.stream.before

    def watched(i):
        before(i)
        most.append(len(net.stream.visiting))
        assert i < resident or i in net.stream.visiting

    net.stream.before = watched
    for _ in range(2):  # steps follow each other without a break
        assert torch.equal(cached(net, once, inputs, vectors), expected)
    assert max(most) <= VISITORS
    for i in [k - resident for k in net.stream.visiting]:
        net.stream._arrived.pop(i, None)
        net.stream._done[i] = None
        net.stream._leave(i)
    assert [p.data_ptr() for b in net.blocks for p in b.parameters()] == homes
