"""AnimateDiff's files by name alone: which checkpoint is taken, what is said where one is missing or of another base."""

from __future__ import annotations

import json
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from motion_transfer.core import InputError, MissingPackage, MissingWeights, NotForCommercialUse
from motion_transfer.models.animate_diff.spec import AnimateDiffSettings
from motion_transfer.run.host import LocalHost

FIRST = "model.diffusion_model.input_blocks.0.0.weight"
SD15 = {
    FIRST: [320, 4, 3, 3],
    "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": [320, 768],
}
SDXL = {
    FIRST: [320, 4, 3, 3],
    "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": [640, 2048],
}
INPAINTING = {**SD15, FIRST: [320, 9, 3, 3]}


@pytest.fixture
def files(nodes):
    from motion_transfer.nodes import animate_diff_files

    return animate_diff_files


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Model folders with a motion module and a ControlNet; checkpoints are written by the tests."""
    for path in ("animatediff_models/mm_sd_v15_v2.ckpt", "controlnet/control_v11p_sd15_openpose.pth"):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(b"0")
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    folders = sys.modules["folder_paths"]
    names = lambda kind: [p.name for p in checkpoints.iterdir()]  # noqa: E731
    full = lambda kind, name: str(checkpoints / name) if (checkpoints / name).is_file() else None  # noqa: E731
    monkeypatch.setattr(folders, "get_filename_list", names, raising=False)
    monkeypatch.setattr(folders, "get_full_path", full, raising=False)
    return tmp_path


def write(place, name, shapes):
    head = json.dumps({k: {"dtype": "F16", "shape": v, "data_offsets": [0, 0]} for k, v in shapes.items()}).encode()
    (place / "checkpoints" / name).write_bytes(struct.pack("<Q", len(head)) + head)


def found(files, place, notes=None, **settings):
    host = LocalHost(weights_folders=(place,), on_note=None if notes is None else notes.append)
    return files.find_files(AnimateDiffSettings(**settings), host)


def test_the_first_checkpoint_of_the_right_base_is_taken_and_that_is_said(files, place):
    for name, shapes in (("a_xl.safetensors", SDXL), ("b_inpaint.safetensors", INPAINTING), ("c_dream.safetensors", SD15), ("d.safetensors", SD15)):  # fmt: skip
        write(place, name, shapes)
    (place / "checkpoints" / "a.ckpt").write_bytes(b"pickled")
    (place / "checkpoints" / "a_torn.safetensors").write_bytes(b"\xff" * 6)
    notes: list[str] = []
    assert found(files, place, notes)["checkpoint"].name == "c_dream.safetensors"
    assert notes == ["checkpoint is empty: c_dream.safetensors is taken, the first of SD1.5."]
    write(place, "v1-5-pruned-emaonly.safetensors", SD15)
    assert found(files, place)["checkpoint"].name == "v1-5-pruned-emaonly.safetensors"
    assert found(files, place, checkpoint="d.safetensors")["checkpoint"].name == "d.safetensors"


def test_a_checkpoint_of_another_base_or_none_is_one_clear_line(files, place):
    write(place, "xl.safetensors", SDXL)
    with pytest.raises(InputError, match=r"a checkpoint of SDXL, but mm_sd_v15_v2 moves SD1.5; motion_module=mm_sdxl"):
        found(files, place, checkpoint="xl.safetensors")
    with pytest.raises(MissingWeights, match=r"no checkpoint 'nobody\.ckpt'"):
        found(files, place, checkpoint="nobody.ckpt")
    with pytest.raises(MissingWeights, match=r"v1-5-pruned-emaonly-fp16.safetensors \(2.1 GB, CreativeML OpenRAIL-M\)"):
        found(files, place)


@pytest.mark.parametrize(("gone", "words"), [("animatediff_models", ("mm_sd_v15_v2.ckpt", "guoyww/animatediff", "1.8 GB")), ("controlnet", ("control_v11p_sd15_openpose_fp16.safetensors",))])  # fmt: skip
def test_each_missing_file_is_named(files, place, gone, words):
    write(place, "v1-5-pruned.safetensors", SD15)
    for path in (place / gone).iterdir():
        path.unlink()
    with pytest.raises(MissingWeights) as refusal:
        found(files, place)
    assert all(word in str(refusal.value) for word in (*words, gone)) and "\n" not in str(refusal.value)


def test_terms_that_were_not_read_do_not_pass_for_commercial(files, place):
    host = LocalHost(weights_folders=(place,), commercial_use_only=True)
    for settings in ({"motion_module": "temporaldiff-v1"}, {"motion_module": "mm_sdxl_v10_beta"}):
        with pytest.raises((NotForCommercialUse, MissingWeights)) as refusal:
            files.find_files(AnimateDiffSettings(**settings), host)
        assert "\n" not in str(refusal.value)
    from motion_transfer.nodes.animate_diff_identity import ask_for_identity

    with pytest.raises(NotForCommercialUse, match="buffalo_l"):
        ask_for_identity("faceid", host)
    ask_for_identity("faceid", LocalHost(weights_folders=(place,)))
    ask_for_identity("ip-adapter", host)


def test_the_missing_adapter_pack_is_named_after_the_files(files, place, monkeypatch):
    monkeypatch.setitem(sys.modules, "nodes", SimpleNamespace(NODE_CLASS_MAPPINGS={}))
    host = LocalHost(weights_folders=(place,))
    with pytest.raises(MissingWeights):
        files.lend_models("animate-diff", {}, host)
    write(place, "v1-5-pruned.safetensors", SD15)
    with pytest.raises(MissingPackage, match="ComfyUI_IPAdapter_plus") as refusal:
        files.lend_models("animate-diff", {}, host)
    assert "\n" not in str(refusal.value)
    lent = files.lend_models("animate-diff", {"reference_strength": 0}, host)["animate_diff"]
    assert "v1-5-pruned.safetensors" in lent.fingerprint and "mm_sd_v15_v2.ckpt" in lent.fingerprint


class Pressed(Exception):
    """As ComfyUI raises it."""


@pytest.mark.parametrize(("raised", "comes"), [(Exception("ClipVision model not found."), InputError), (Pressed(), Pressed)])  # fmt: skip
def test_what_the_pack_raises_is_one_line_and_cancelling_stays_cancelling(nodes, monkeypatch, raised, comes):
    from motion_transfer.nodes.animate_diff_identity import with_identity

    def stop(self, **words):
        raise raised

    loader = type("Loader", (), {"FUNCTION": "load", "load": stop})
    mappings = {"IPAdapterUnifiedLoader": loader, "IPAdapterAdvanced": loader}
    monkeypatch.setitem(sys.modules, "nodes", SimpleNamespace(NODE_CLASS_MAPPINGS=mappings))
    monkeypatch.setattr(sys.modules["comfy.model_management"], "InterruptProcessingException", Pressed, raising=False)
    with pytest.raises(comes) as refusal:
        with_identity(None, np.zeros((8, 8, 3), np.uint8), "ip-adapter", 0.4)
    if comes is InputError:
        assert "ClipVision model not found. Its models" in str(refusal.value) and "\n" not in str(refusal.value)


def test_what_the_adapter_sees_is_a_square(nodes):
    from motion_transfer.nodes.animate_diff_identity import as_seen

    picture = np.zeros((30, 20, 3), np.uint8)
    picture[:10] = 200
    picture[[0, -1], :] = picture[:, [0, -1]] = 90
    whole, face = as_seen(picture, "ip-adapter"), as_seen(picture, "ip-adapter face")
    assert whole.shape == (30, 30, 3) and (whole[:, :5] == 90).all() and np.array_equal(whole[:, 5:25], picture)
    assert face.shape == (20, 20, 3) and np.array_equal(face, picture[:20])
