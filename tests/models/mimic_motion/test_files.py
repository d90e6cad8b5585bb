"""Every published layout loads strictly; a file that is something else is named with what it seems to be."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
import torch
from recipe import tensors
from safetensors.torch import save_file

pytest.importorskip("diffusers")

from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from motion_transfer.core import InputError, MissingWeights
from motion_transfer.models.mimic_motion import weights as records
from motion_transfer.models.mimic_motion.diffusers_files import build_unet, load_clip, load_vae
from motion_transfer.models.mimic_motion.files import has_pose_net, pose_net_of, read_mimic, read_pose_net
from motion_transfer.models.mimic_motion.keys import diffusers_name, native_name
from motion_transfer.models.mimic_motion.pose_net import PoseNet

TINY = {"sample_size": 16, "block_out_channels": (32, 32, 64, 64), "cross_attention_dim": 32, "num_attention_heads": (1, 1, 1, 1)}  # fmt: skip


@pytest.fixture(scope="module")
def unet():
    with torch.device("meta"):
        return {n: v.half() for n, v in tensors(UNetSpatioTemporalConditionModel(**TINY), "unet.").items()}


@pytest.fixture(scope="module")
def pose():
    return {n: v.half() for n, v in tensors(PoseNet(32), "pose_net.").items()}


def with_prefix(prefix, given):
    return {prefix + n: v for n, v in given.items()}


def native(given):
    return {native_name(n): v for n, v in given.items()}


LAYOUTS = {
    "MimicMotion_1-1.pth": lambda unet, pose: with_prefix("unet.", unet) | with_prefix("pose_net.", pose),
    "MimicMotionMergedUnet_1-1-fp16.safetensors": lambda unet, pose: unet,
    "MimicMotion-fp16.safetensors": lambda unet, pose: with_prefix("unet.", unet) | with_prefix("pose_net.", pose),
    "saved_by_comfyui.safetensors": lambda unet, pose: with_prefix("model.diffusion_model.", native(unet)),
    "native.safetensors": lambda unet, pose: native(unet),
}


def write(path, given):
    if path.suffix == ".pth":
        torch.save(given, path)
    else:
        save_file({n: v.contiguous() for n, v in given.items()}, path)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_networks(layout, unet, pose, tmp_path):
    path = write(tmp_path / layout, LAYOUTS[layout](unet, pose))
    read = read_mimic(path)
    assert read.unet.keys() == unet.keys() and all(torch.equal(read.unet[n], v) for n, v in unet.items())
    assert has_pose_net(path) == (read.pose_net is not None) == ("pose_net" in str(LAYOUTS[layout]({}, {"a": 0})))
    alone = write(tmp_path / "mimic_motion_pose_net.safetensors", pose)
    net = pose_net_of(read, path, alone)
    assert all(torch.equal(v, pose[n].float()) for n, v in net.state_dict().items())
    assert torch.equal(read_pose_net(alone).scale, net.scale)
    build_unet(read.unet, layout, torch.float32)


def test_the_map_of_names_is_whole_and_goes_both_ways():
    """All 1,428 weights; the sum is of the names that ComfyUI's own UNet of SVD has, sorted, a line each."""
    with torch.device("meta"):
        names = list(UNetSpatioTemporalConditionModel().state_dict())
    there = [native_name(n) for n in names]
    assert len(names) == 1428 and None not in there and len(set(there)) == 1428
    assert [diffusers_name(n) for n in there] == names
    digest = hashlib.sha256("\n".join(sorted(there)).encode()).hexdigest()
    assert digest == "538f6a42150abc0722bea78d259e6e66757b8bd661971ca3e2a4433fd41bc58e"
    assert native_name("down_blocks.0.motion_modules.0.norm.weight") is None


OTHERS = {
    "a motion module of AnimateDiff": ["down_blocks.0.motion_modules.0.temporal_transformer.norm.weight"],
    "its PoseNet alone": ["conv_layers.0.weight", "final_proj.weight"],
    "a LoRA": ["lora_unet_down_blocks_0.lora_down.weight"],
    "a checkpoint of Stable Diffusion": ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight"],
    "a whole checkpoint of Stable Video Diffusion": ["model.diffusion_model.input_blocks.1.1.time_stack.0.norm1.weight", "first_stage_model.encoder.conv_in.weight"],
    "a UNet of Stable Diffusion": ["conv_in.weight", "down_blocks.0.resnets.0.conv1.weight", "mid_block.resnets.0.norm1.weight"],
    "a ControlNet": ["controlnet_cond_embedding.conv_in.weight", "conv_in.weight"],
    "a VAE": ["encoder.conv_in.weight", "decoder.conv_in.weight"],
    "a CLIP vision encoder": ["vision_model.embeddings.class_embedding"],
    "Wan-Animate": ["patch_embedding.weight", "blocks.0.norm3.weight", "face_adapter.fuser_blocks.0.q_norm.weight"],
    "something.else": ["something.else"],
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_another_file_is_named_with_what_it_seems_to_be(what, tmp_path):
    path = write(tmp_path / "other.safetensors", {n: torch.zeros(2) for n in OTHERS[what]})
    with pytest.raises(InputError, match=r"other\.safetensors is not MimicMotion") as refusal:
        read_mimic(path)
    assert what in str(refusal.value) and "\n" not in str(refusal.value)


def test_damaged_and_dangerous_files_are_refused(unet, tmp_path):
    cut = write(tmp_path / "cut.safetensors", unet)
    cut.write_bytes(cut.read_bytes()[:50_000])
    with pytest.raises(InputError, match="cannot be read as weights"):
        read_mimic(cut)
    torch.save({"unet": SimpleNamespace(a=1)}, tmp_path / "more.pth")
    with pytest.raises(InputError, match="holds more than tensors"):
        read_mimic(tmp_path / "more.pth")
    lacking = {n: v for n, v in unet.items() if n != "up_blocks.1.resnets.0.spatial_res_block.norm1.weight"}
    with pytest.raises(InputError, match=r"does not fit SVD's UNet: up_blocks\.1"):
        build_unet(lacking, "x.safetensors", torch.float32)
    wide = dict(unet) | {"conv_in.weight": torch.zeros(32, 12, 3, 3)}
    with pytest.raises(InputError, match="takes 12 channels"):
        read_mimic(write(tmp_path / "other_video.safetensors", wide))


@pytest.fixture(scope="module")
def svd_parts():
    """Tiny VAE and CLIP by diffusers' and transformers' names."""
    widths = (32, 32, 64, 64)
    vae = AutoencoderKLTemporalDecoder(down_block_types=("DownEncoderBlock2D",) * 4, block_out_channels=widths, layers_per_block=2)  # fmt: skip
    clip = CLIPVisionModelWithProjection(
        CLIPVisionConfig(hidden_size=80, intermediate_size=96, num_hidden_layers=2, num_attention_heads=1, image_size=56, patch_size=14, projection_dim=32, hidden_act="gelu")
    )  # fmt: skip
    for net, name in ((vae, "vae."), (clip, "clip.")):
        net.load_state_dict(tensors(net, name), strict=False)
        net.eval()
    return vae, clip


def write_svd_folder(folder, parts):
    for name, stem, net in (("vae", "diffusion_pytorch_model", parts[0]), ("image_encoder", "model", parts[1])):
        (folder / name).mkdir(parents=True)
        save_file({n: v for n, v in net.state_dict().items() if v.is_floating_point()}, folder / name / f"{stem}.fp16.safetensors")  # fmt: skip
    return folder


@torch.no_grad()
def test_svds_vae_and_clip_load_from_the_published_folder(svd_parts, tmp_path):
    folder = write_svd_folder(tmp_path / "svd", svd_parts)
    vae, clip = load_vae(folder, torch.float32), load_clip(folder)
    latents = torch.randn(3, 4, 4, 2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(vae.decode(latents, num_frames=3).sample, svd_parts[0].decode(latents, num_frames=3).sample)
    pixels = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(clip(pixel_values=pixels).image_embeds, svd_parts[1](pixel_values=pixels).image_embeds)
    (folder / "vae" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    with pytest.raises(MissingWeights, match="not complete"):
        load_vae(folder, torch.float32)


def test_a_checkpoint_that_is_not_svd_is_named(tmp_path):
    path = write(tmp_path / "sd15.safetensors", {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(2), "first_stage_model.quant_conv.weight": torch.zeros(2)})  # fmt: skip
    with pytest.raises(InputError, match=r"sd15\.safetensors is no checkpoint of SVD: it seems to be a checkpoint of Stable Diffusion"):  # fmt: skip
        load_vae(path, torch.float32)
    with pytest.raises(InputError, match="holds no CLIP of SVD"):
        load_clip(path)


def test_a_missing_pose_net_is_told_with_both_ways_to_have_it(unet, pose, tmp_path):
    model = write(tmp_path / "MimicMotionMergedUnet_1-1-fp16.safetensors", unet)
    (tmp_path / "svd_xt.safetensors").write_bytes(b"0")

    def find(asked):
        for name in (asked.file, *asked.also):
            if (tmp_path / name).exists():
                return tmp_path / name
        raise MissingWeights(asked.file)

    host = SimpleNamespace(find_weights=find)
    with pytest.raises(MissingWeights) as refusal:
        records.find_weights(host, "1-1")
    for word in ("mimic_motion_pose_net.safetensors", "kijai/ComfyUI-MimicMotionWrapper", "MimicMotion_1-1.pth"):
        assert word in str(refusal.value)
    write(tmp_path / "mimic_motion_pose_net.safetensors", pose)
    found = records.find_weights(host, "1-1")
    assert found["model"] == model and found["pose_net"].name == "mimic_motion_pose_net.safetensors"
    before = records.names_and_marks(found)
    assert before == records.names_and_marks(found)
    write(tmp_path / "mimic_motion_pose_net.safetensors", {n: v + 1 for n, v in pose.items()})
    assert records.names_and_marks(found) != before
