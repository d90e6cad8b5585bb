"""Which file is which restorer: told apart by its tensors, loaded by spandrel, refused in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from motion_transfer.core import InputError, MissingPackage, MissingWeights, UsageError
from motion_transfer.core.errors import NotForCommercialUse
from motion_transfer.finishing import face_restorers
from motion_transfer.finishing.face_restorers import open_restorer
from motion_transfer.finishing.face_weights import CODEFORMER, FACE_WEIGHTS, face_weights, find_restorer
from motion_transfer.finishing.restore_faces import SPEC, RestoreFacesSettings
from motion_transfer.run.host import LocalHost

needs_spandrel = pytest.mark.skipif(
    any(importlib.util.find_spec(p) is None for p in ("spandrel", "torchvision", "einops")),
    reason="needs spandrel, which needs torchvision",
)
CODEFORMER_LIKE = {"position_emb": torch.zeros(4, 4), "ft_layers.0.norm1.weight": torch.zeros(4)}


def saved(path: Path, tensors: object) -> Path:
    torch.save(tensors, path)
    return path


def test_every_file_is_told_with_size_digest_and_licence():
    for model, weights in FACE_WEIGHTS.items():
        assert weights.folder == "facerestore_models" and weights.num_bytes and weights.sha256
        assert weights.commercial_use == (model != CODEFORMER)
        assert any(name.endswith(".safetensors") for name in weights.also)
    assert "not for commercial use" in FACE_WEIGHTS[CODEFORMER].licence and "CodeFormer" in SPEC.licence


def test_a_file_of_ones_own_is_known_by_the_published_names_or_has_unknown_terms():
    assert face_weights("gfpgan-1.4", "codeformer-v0.1.0.pth") is FACE_WEIGHTS[CODEFORMER]
    assert not face_weights("gfpgan-1.4", "mine.pth").commercial_use
    with pytest.raises(UsageError, match=r"\.pth or \.safetensors"):
        face_weights("gfpgan-1.4", "mine.onnx")


def test_codeformer_asks_for_consent_before_anything_is_looked_for(tmp_path):
    host = LocalHost(device="cpu", weights_folders=[tmp_path])
    with pytest.raises(UsageError, match=r"non-commercial use only.*accept_non_commercial"):
        SPEC.identity(RestoreFacesSettings(model=CODEFORMER), host)
    with pytest.raises(MissingWeights, match="CodeFormer is missing"):
        SPEC.identity(RestoreFacesSettings(model=CODEFORMER, accept_non_commercial=True), host)


def test_commercial_use_only_refuses_codeformer_even_with_consent(tmp_path):
    host = LocalHost(device="cpu", weights_folders=[tmp_path], commercial_use_only=True)
    with pytest.raises(NotForCommercialUse, match=r"codeformer\.pth"):
        find_restorer(host, CODEFORMER, "", accepted=True)


def test_a_missing_file_is_told_with_where_to_get_it(tmp_path):
    host = LocalHost(device="cpu", weights_folders=[tmp_path])
    with pytest.raises(MissingWeights, match=r"GFPGANv1\.4\.pth \(349 MB, .*huggingface\.co/leonelhs/gfpgan"):
        SPEC.identity(RestoreFacesSettings(), host)


def test_another_file_changes_the_identity(tmp_path):
    folder = tmp_path / "facerestore_models"
    folder.mkdir()
    host = LocalHost(device="cpu", weights_folders=[tmp_path])
    names = set()
    for size in (10, 20):
        (folder / "GFPGANv1.4.pth").write_bytes(b"x" * size)
        names.add(SPEC.identity(RestoreFacesSettings(), host))
    assert len(names) == 2


@pytest.mark.parametrize("missing", ["spandrel", "torchvision", "einops"])
def test_a_missing_package_is_told_in_one_line(tmp_path, monkeypatch, missing):
    monkeypatch.setattr(face_restorers, "find_spec", lambda name: None if name == missing else object())
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(1)})
    with pytest.raises(MissingPackage, match=f"needs {missing}, which is not installed") as told:
        open_restorer(path)
    assert "\n" not in str(told.value)


def test_spandrel_that_does_not_load_is_told_in_one_line(tmp_path, monkeypatch):
    def broken(name: str) -> object:
        raise RuntimeError("operator torchvision::nms does not exist\nmore")

    monkeypatch.setattr(face_restorers, "find_spec", lambda name: object())
    monkeypatch.setattr(face_restorers, "import_module", broken)
    with pytest.raises(MissingPackage, match=r"does not load here \(operator torchvision::nms does not exist\)"):
        open_restorer(saved(tmp_path / "a.pth", {"w": torch.zeros(1)}))


def test_codeformer_by_its_tensors_asks_for_consent_and_then_for_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(face_restorers, "_spandrel", lambda: None)
    path = saved(tmp_path / "renamed.pth", {"params_ema": CODEFORMER_LIKE})
    with pytest.raises(UsageError, match="non-commercial"):
        open_restorer(path)
    monkeypatch.setattr(face_restorers, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="spandrel_extra_arches"):
        open_restorer(path, accepted=True)


class Sly:
    pass


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no network", "cannot be read as weights|holds more than tensors"),
        (Sly(), "holds more than tensors"),
        ({"epoch": 3}, "holds no tensors"),
    ],
)
def test_a_file_that_is_no_network_is_told_in_one_line(tmp_path, content, told):
    path = tmp_path / "bad.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        saved(path, content)
    with pytest.raises(InputError, match=told) as error:
        open_restorer(path)
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def tiny_restoreformer(tmp_path_factory) -> Path:
    from spandrel.architectures.RestoreFormer import RestoreFormer

    torch.manual_seed(0)
    network = RestoreFormer(
        n_embed=32, embed_dim=32, ch=32, out_ch=3, ch_mult=(1, 1, 1, 1, 1, 1), num_res_blocks=1,
        attn_resolutions=(16,), dropout=0.0, in_channels=3, resolution=512, z_channels=32, double_z=False,
        enable_mid=True, head_size=8,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("weights") / "any_name.pth"
    return saved(path, {"state_dict": {f"vqvae.{k}": v for k, v in network.state_dict().items()}})


@needs_spandrel
def test_the_true_restoreformer_is_recognised_and_gives_the_same_face_twice(tiny_restoreformer, tmp_path):
    host = LocalHost(device="cpu")
    restorer = open_restorer(tiny_restoreformer)
    assert restorer.architecture == "RestoreFormer"
    crop = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    first = restorer.restore(crop, host)
    assert first.shape == (512, 512, 3) and first.dtype == np.float32 and 0 <= first.min() < first.max() <= 255
    plain = {k.removeprefix("vqvae."): v for k, v in torch.load(tiny_restoreformer, weights_only=True)["state_dict"].items()}  # fmt: skip
    save_file({k: v.contiguous() for k, v in plain.items()}, tmp_path / "same.safetensors")
    assert np.array_equal(open_restorer(tmp_path / "same.safetensors").restore(crop, host), first)
    # spandrel's own way, with its own shifting, for a crop that it does not clamp
    import spandrel

    theirs = spandrel.ModelLoader().load_from_state_dict(plain)
    picture = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        assert np.abs(theirs(picture)[0].permute(1, 2, 0).numpy() * 255 - first).max() < 0.1  # levels


@needs_spandrel
def test_another_architecture_is_called_by_its_name(tmp_path):
    from spandrel.architectures.Compact import Compact

    path = saved(tmp_path / "x4.pth", {"params": Compact(num_feat=8, num_conv=2).state_dict()})
    with pytest.raises(InputError, match=r"x4\.pth is .*Compact") as told:
        open_restorer(path)
    assert "enlarges pictures, not a face restorer" in str(told.value)
    with pytest.raises(InputError, match="is no face restorer that is known here"):
        open_restorer(saved(tmp_path / "odd.pth", {"a.weight": torch.zeros(2), "b.bias": torch.zeros(2)}))


@pytest.mark.slow
@needs_spandrel
def test_the_true_gfpgan_runs_at_its_true_size_and_never_flickers_by_itself(tmp_path):
    from spandrel.architectures.GFPGAN import GFPGAN

    torch.manual_seed(0)
    network = GFPGAN(
        out_size=512, num_style_feat=512, channel_multiplier=2, decoder_load_path=None, fix_decoder=False, num_mlp=8,
        input_is_latent=True, different_w=True, narrow=1, sft_half=True,
    )  # fmt: skip
    with torch.no_grad():  # noise has no say in fresh weights
        for name, value in network.named_parameters():
            if name.endswith("weight") and value.numel() == 1:
                value.fill_(0.3)
    path = saved(tmp_path / "any.pth", {"params_ema": network.state_dict()})
    del network
    restorer = open_restorer(path)
    assert restorer.architecture == "GFPGAN"
    crop = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    host = LocalHost(device="cpu")
    assert np.array_equal(restorer.restore(crop, host), restorer.restore(crop, host))
    restorer._words.clear()  # as spandrel calls it
    assert not np.array_equal(restorer.restore(crop, host), restorer.restore(crop, host))
