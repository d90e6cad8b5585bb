"""Prompt and picture encoders, from folders and from single files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
transformers = pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).resolve().parent))
from diffusers_tiny import saved  # noqa: E402

from motion_transfer.core import InputError, MissingWeights  # noqa: E402
from motion_transfer.models.wan_animate.diffusers_encoders import clean_prompt, embed_picture, embed_prompts  # noqa: E402

CPU = torch.device("cpu")
WORDS = ["the", "person", "in", "video", "is", "moving"]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """(model, folder with it and its tokenizer)."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("umt5")
    torch.manual_seed(0)
    config = transformers.UMT5Config(
        vocab_size=16, d_model=48, d_kv=64, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    model = transformers.UMT5EncoderModel(config).eval()
    model.save_pretrained(folder / "text_encoder")
    vocabulary = {w: i for i, w in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    tokens = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    tokens.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokens, pad_token="<pad>", eos_token="</s>").save_pretrained(
        folder / "tokenizer"
    )
    return model, folder


def expected_text(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).last_hidden_state


def test_a_prompt_ends_where_it_ends_and_zeros_follow(text):
    model, folder = text
    one, two = embed_prompts(["the  person\n moving", "video"], folder / "text_encoder", folder / "tokenizer", CPU, torch.float32)  # fmt: skip
    assert one.shape == two.shape == (1, 512, 48)
    assert torch.allclose(one[:, :4], expected_text(model, [3, 4, 8, 1]), atol=1e-5) and not one[:, 4:].any()
    assert torch.allclose(two[:, :2], expected_text(model, [6, 1]), atol=1e-5) and not two[:, 2:].any()


def own_names(state):
    """As in models_t5_umt5-xxl-enc-bf16.pth."""
    renamed = {}
    for name, tensor in state.items():
        for new, old in (
            ("SelfAttention.relative_attention_bias", "pos_embedding.embedding"),
            ("layer.0.SelfAttention", "attn"),
            ("layer.1.DenseReluDense.wi_0", "ffn.gate.0"),
            ("layer.1.DenseReluDense.wi_1", "ffn.fc1"),
            ("layer.1.DenseReluDense.wo", "ffn.fc2"),
            ("layer.0.layer_norm", "norm1"),
            ("layer.1.layer_norm", "norm2"),
            ("layer.0.pos", "pos"),
            ("encoder.block", "blocks"),
            ("encoder.final_layer_norm", "norm"),
            ("shared", "token_embedding"),
        ):
            name = name.replace(new, old)
        renamed[name] = tensor
    return renamed


@pytest.mark.parametrize("layout", ["ComfyUI", "fp8", "Wan-AI"])
def test_single_files_of_every_layout(text, tmp_path, layout):
    model, folder = text
    state = {k: v for k, v in model.state_dict().items() if k != "encoder.embed_tokens.weight"}
    if layout == "fp8":
        name = "encoder.block.1.layer.1.DenseReluDense.wo"
        state[f"{name}.scale_weight"] = torch.tensor(0.5)
        state[f"{name}.weight"] = (state[f"{name}.weight"] * 2).to(torch.float8_e4m3fn)
    if layout == "Wan-AI":
        state = own_names(state)
        assert "blocks.1.attn.q.weight" in state and "blocks.0.pos_embedding.embedding.weight" in state
        torch.save(state, tmp_path / "t5.pth")
    path = tmp_path / "t5.pth" if layout == "Wan-AI" else saved(state, tmp_path / "umt5.safetensors")
    (found,) = embed_prompts(["the video"], path, folder / "tokenizer", CPU, torch.float32)
    expected = expected_text(model, [3, 6, 1])
    error = float((found[:, :3] - expected).norm() / expected.norm())
    assert 0 < error < 0.1 if layout == "fp8" else error < 1e-5


def test_a_missing_tokenizer_and_another_model_are_told(text, tmp_path):
    model, folder = text
    path = saved(
        {k: v for k, v in model.state_dict().items() if "embed_tokens" not in k}, tmp_path / "umt5.safetensors"
    )
    with pytest.raises(MissingWeights, match="tokenizer of umT5"):
        embed_prompts(["x"], path, None, CPU, torch.float32)
    other = saved({"text_model.final_layer_norm.weight": torch.ones(4)}, tmp_path / "clip.safetensors")
    with pytest.raises(InputError, match="not umT5"):
        embed_prompts(["x"], other, folder / "tokenizer", CPU, torch.float32)


def test_prompts_are_cleaned_as_wan_cleans_them():
    assert clean_prompt(" a&amp;amp;b ， c！\n\td ") == "a&b , c! d"  # noqa: RUF001
    assert clean_prompt("视频中的人在做动作") == "视频中的人在做动作"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    torch.manual_seed(1)
    config = transformers.CLIPVisionConfig(
        hidden_size=80, intermediate_size=32, num_hidden_layers=3, num_attention_heads=1, image_size=28, patch_size=14, hidden_act="gelu"
    )  # fmt: skip
    model = transformers.CLIPVisionModel(config).eval()
    folder = tmp_path_factory.mktemp("clip") / "image_encoder"
    model.save_pretrained(folder)
    return model, folder


@pytest.mark.parametrize("layout", ["folder", "ComfyUI"])
def test_the_reference_is_squashed_and_seen_one_layer_before_the_last(clip, tmp_path, layout):
    model, path = clip
    if layout == "ComfyUI":
        state = {f"vision_model.{k.removeprefix('vision_model.')}": v for k, v in model.state_dict().items()}
        path = saved(state | {"visual_projection.weight": torch.ones(4, 80)}, tmp_path / "clip_vision_h.safetensors")
    picture = np.full((40, 20, 3), (255, 128, 0), np.uint8)
    found = embed_picture(picture, path, CPU)
    colour = torch.tensor([1.0, 128 / 255, 0.0])
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    flat = ((colour - mean) / std).view(1, 3, 1, 1).expand(1, 3, 28, 28)
    with torch.no_grad():
        expected = model(pixel_values=flat, output_hidden_states=True).hidden_states[-2]
    assert found.shape == (1, 5, 80) and torch.allclose(found, expected, atol=1e-5)


def test_another_file_is_no_picture_encoder(tmp_path):
    with pytest.raises(InputError, match="not a CLIP vision encoder"):
        embed_picture(np.zeros((8, 8, 3), np.uint8), saved({"a": torch.ones(1)}, tmp_path / "a.safetensors"), CPU)
