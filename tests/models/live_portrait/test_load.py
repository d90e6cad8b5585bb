"""Files of LivePortrait's weights: the published forms load alike, and a wrong file is called by its name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).parent))
from golden_networks import goldens, narrow, seeded
from seeded_weights import normal

from motion_transfer.core import InputError, MissingWeights
from motion_transfer.models.live_portrait import open_networks
from motion_transfer.models.live_portrait.layout import MLP_IN_PTH
from motion_transfer.models.live_portrait.load import load_mlps, load_network
from motion_transfer.models.live_portrait.networks import PortraitNetworks
from motion_transfer.models.live_portrait.open_networks import chosen_dtype
from motion_transfer.models.live_portrait.spec import SPEC
from motion_transfer.models.live_portrait.weights import ANIMALS, PEOPLE


@pytest.fixture(scope="module")
def small():
    return {network: seeded(network) for network in MLP_IN_PTH}


def same(found, wanted):
    counted = {name: value for name, value in wanted.items() if not name.endswith("num_batches_tracked")}
    return found.keys() == counted.keys() and all(torch.equal(found[name], counted[name]) for name in counted)


@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_a_network_loads_alike_from_both_forms(tmp_path, form):
    tensors, path = seeded("appearance"), tmp_path / f"appearance_feature_extractor.{form}"
    torch.save(tensors, path) if form == "pth" else save_file(tensors, path)
    assert same(load_network("appearance", path), tensors)


@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_the_three_small_networks_load_alike_from_both_forms(tmp_path, small, form):
    path = tmp_path / f"stitching_retargeting_module.{form}"
    if form == "pth":
        torch.save({MLP_IN_PTH[n]: {f"module.{k}": v for k, v in t.items()} for n, t in small.items()}, path)
    else:
        save_file({f"{MLP_IN_PTH[n]}_module.{k}": v for n, t in small.items() for k, v in t.items()}, path)
    found = load_mlps(path)
    assert all(same(found[network], small[network]) for network in small)


def test_half_precision_is_widened_and_counters_may_be_missing(tmp_path):
    tensors = {n: v.half() for n, v in seeded("appearance").items() if "num_batches" not in n}
    save_file(tensors, tmp_path / "f.safetensors")
    assert {v.dtype for v in load_network("appearance", tmp_path / "f.safetensors").values()} == {torch.float32}


def test_another_network_is_called_by_its_name(tmp_path, small):
    save_file(seeded("appearance"), tmp_path / "f.safetensors")
    with pytest.raises(InputError, match=r"f.safetensors is not LivePortrait's generator \(G\): it is the appearance"):
        load_network("generator", tmp_path / "f.safetensors")
    with pytest.raises(InputError, match=r"not LivePortrait's file of the stitching.*it is the appearance network"):
        load_mlps(tmp_path / "f.safetensors")
    save_file({f"retarget_eye_module.{n}": v for n, v in small["eye"].items()}, tmp_path / "s.safetensors")
    with pytest.raises(InputError, match="is not LivePortrait's stitching network"):
        load_mlps(tmp_path / "s.safetensors")
    with pytest.raises(InputError, match="it is the file of the stitching"):
        load_network("warping", tmp_path / "s.safetensors")


def test_what_does_not_fit_is_named(tmp_path):
    tensors, path = seeded("appearance"), tmp_path / "f.safetensors"
    save_file({n: v for n, v in tensors.items() if n != "second.bias"} | {"third.bias": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"missing second.bias; unknown third.bias"):
        load_network("appearance", path)
    save_file(tensors | {"second.bias": torch.zeros(7)}, path)
    with pytest.raises(InputError, match=r"second.bias is \[7\], not \[512\]"):
        load_network("appearance", path)


@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_a_file_that_was_cut_off_is_said_to_be(tmp_path, form):
    whole, cut = tmp_path / f"whole.{form}", tmp_path / f"cut.{form}"
    torch.save(seeded("lip"), whole) if form == "pth" else save_file(seeded("lip"), whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=rf"cut.{form} \([\d,]+ bytes\) cannot be read as weights.*fetch it again"):
        load_mlps(cut)


def test_a_pickle_of_more_than_tensors_is_refused(tmp_path):
    torch.save({"path": Path("x")}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="is refused: it holds more than tensors"):
        load_network("motion", tmp_path / "evil.pth")
    with pytest.raises(MissingWeights, match="is not there"):
        load_network("motion", tmp_path / "none.pth")


def test_animals_are_never_taken_from_the_files_for_people():
    for role in ("appearance", "motion", "warping", "generator"):
        names = {ANIMALS[role].file, *ANIMALS[role].also}
        assert not names & {PEOPLE[role].file, *PEOPLE[role].also}
        assert all("/" in name and "animal" in name for name in names)
    assert ANIMALS["mlps"] == PEOPLE["mlps"]


@pytest.fixture(scope="module")
def networks(small):
    """All true but W and G, which have an eighth of their channels."""
    tensors = {"appearance": seeded("appearance"), "motion": seeded("motion"), **small}
    return PortraitNetworks(tensors | {network: narrow(network) for network in ("warping", "generator")})


def test_stitching_and_retargeting_are_the_official_ones(networks):
    gold = {name[2:]: value.numpy() for name, value in goldens().items() if name.startswith("K/")}
    stitched = networks.stitch(gold["transformed"], gold["driving"])
    np.testing.assert_allclose(stitched, gold["stitched"], atol=1e-6)
    eyes = np.column_stack([gold["eye_close_ratio"], np.full(32, 0.4, np.float32)])
    lips = np.column_stack([gold["lip_close_ratio"], np.zeros(32, np.float32)])
    np.testing.assert_allclose(networks.retarget_eye(gold["transformed"], eyes), gold["retarget_eye_to_0.4"], atol=1e-6)
    np.testing.assert_allclose(networks.retarget_lip(gold["transformed"], lips), gold["retarget_lip_to_0"], atol=1e-6)


def test_motion_comes_as_one_motion_of_all_frames(networks):
    faces = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    motion, kp = networks.motion(faces)
    assert motion.num_frames == 2 and kp.shape == (2, 21, 3)
    turned = motion.rotation @ motion.rotation.transpose(0, 2, 1)
    np.testing.assert_allclose(turned, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-6)
    second, second_kp = networks.motion(faces[1:])
    np.testing.assert_allclose(motion.expression[1:], second.expression, atol=1e-6)
    np.testing.assert_allclose(kp[1:], second_kp, atol=1e-5)
    with pytest.raises(ValueError, match=r"faces are uint8 \[n,256,256,3\], not float32"):
        networks.motion(faces.astype(np.float32))


def half(small, **more):
    tensors = {"appearance": seeded("appearance"), "motion": seeded("motion"), **small}
    return PortraitNetworks(tensors | {n: narrow(n) for n in ("warping", "generator")}, torch.float16, **more)


def shown(networks, count=2):
    gold = goldens()
    volume = torch.from_numpy(normal("narrow/volume", (1, 32, 16, 32, 32))).float()
    points = gold["input/kp_source"].numpy(), gold["input/kp_driving"][:count].numpy()
    return networks.render(networks.warping_net.prepare(volume), *points, as_float=True)


@pytest.fixture
def any_size(monkeypatch):
    monkeypatch.setattr("motion_transfer.models.live_portrait.networks.SIDE_OUT", 256)


class Overflowing(torch.nn.Module):
    """A warp or a generator that gives no number in half precision, as on some cards."""

    def __init__(self):
        super().__init__()
        self.dtype = torch.float16
        self.register_buffer("compress", torch.tensor(0.5, dtype=torch.float16))

    def forward(self, *_):
        return (self.compress * 2e5 / 4e5).expand(1, 3, 256, 256).to(self.compress.dtype).float()


def test_half_precision_that_overflows_goes_on_in_float32_and_says_so_once(networks, any_size, monkeypatch):
    notes, gold = [], goldens()
    monkeypatch.setattr(networks, "_note", notes.append)
    source = networks.warping_net.prepare(torch.zeros(1, 32, 16, 4, 4))
    for name in ("warping_net", "generator_net"):
        monkeypatch.setitem(networks._modules, name, Overflowing())
    points = gold["input/kp_source"].numpy(), gold["input/kp_driving"][:2].numpy()
    made = networks.render(source, *points, as_float=True)
    np.testing.assert_array_equal(made, np.full((2, 256, 256, 3), 0.25, np.float32))
    assert len(notes) == 1 and "float32" in notes[0]
    assert networks.warping_net.dtype == networks.generator_net.dtype == torch.float32


@pytest.mark.slow
def test_half_precision_that_works_stays_and_is_near(small, networks, any_size):
    notes = []
    working = half(small, note=notes.append)
    rms = np.sqrt(np.mean((shown(working, 1) - shown(networks, 1)) ** 2))
    assert rms < 3e-3 and not notes and working.generator_net.dtype == torch.float16


def test_frames_at_once_are_the_frames_one_by_one(networks, any_size, monkeypatch):
    single = shown(networks, 2)
    monkeypatch.setattr(networks, "at_once", 2)
    np.testing.assert_allclose(shown(networks, 2), single, atol=2e-5)


def test_the_precision_is_one_that_the_device_multiplies(monkeypatch):
    notes = []

    def chosen(asked, device):
        return chosen_dtype(asked, device, notes.append)

    monkeypatch.setattr(open_networks, "cpu_has_bfloat16", lambda: True)
    assert chosen("auto", "cuda:0") == chosen("fp16", "mps") == torch.float16
    assert chosen("auto", "cpu") == chosen("auto", "mps") == chosen("fp32", "cuda") == torch.float32
    assert chosen("bf16", "cpu") == chosen("bf16", "cuda") == torch.bfloat16
    assert not notes
    monkeypatch.setattr(open_networks, "cpu_has_bfloat16", lambda: False)
    assert chosen("bf16", "cpu") == chosen("fp16", "cpu") == torch.float32
    assert [note.split(";")[0] for note in notes] == [f"This processor does not multiply {n}" for n in ("bf16", "fp16")]


def test_bfloat16_is_left_to_the_convolutions_between_norms(small):
    tensors = {"appearance": seeded("appearance"), "motion": seeded("motion"), **small}
    made = PortraitNetworks(tensors | {n: narrow(n) for n in ("warping", "generator")}, torch.bfloat16)
    assert {b.dtype for b in made.warping_net.buffers()} == {torch.float32}
    low = {n.split(".")[-2] for n, b in made.generator_net.named_buffers() if b.dtype == torch.bfloat16}
    assert low == {"conv_0", "conv_1", "conv_s"}


@pytest.mark.slow
def test_frames_are_pictures_of_the_source_moved(networks):
    gold = {name: value.numpy() for name, value in goldens().items() if name.startswith("input/kp")}
    face = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    source, x_s, x_d = networks.appearance(face), gold["input/kp_source"][0], gold["input/kp_driving"][:2]
    pictures = networks.render(source, x_s, x_d)
    assert pictures.shape == (2, 512, 512, 3) and pictures.dtype == np.uint8
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() > 20
    alone = networks.render(source, x_s, x_d[1:], as_float=True)
    assert np.abs(alone[0] * 255 - pictures[1]).max() <= 0.51  # rounded, not cut
    both = networks.appearance(np.stack([face, face]))
    np.testing.assert_array_equal(networks.render(both, np.stack([x_s, x_s]), x_d), pictures)
    with pytest.raises(ValueError, match="2 sources for 3 frames"):
        networks.render(both, x_s, gold["input/kp_driving"])


class _Owner:
    """A host with a file under every name asked for."""

    def __init__(self, folder, device):
        self.folder, self.device = folder, device

    def lend(self, what):
        return None

    def find_weights(self, weights):
        path = self.folder / weights.file
        path.write_bytes(weights.file.encode())
        return path


def test_pieces_of_another_device_are_not_gone_on_with_where_auto_computes_differently(tmp_path):
    def identity(dtype, device):
        return SPEC.identity(SPEC.settings(dtype=dtype), _Owner(tmp_path, device))

    assert identity("auto", "cpu") != identity("auto", "cuda:0") == identity("auto", "cuda:1")
    assert identity("fp32", "cpu") == identity("fp32", "cuda:0")
