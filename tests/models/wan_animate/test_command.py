"""The real command with a tiny Wan-Animate in the published diffusers layout: text, picture, face, windows, sound."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "run"))
from diffusers_tiny import tiny_transformer, tiny_vae
from PIL import Image
from small_dance import small_dance

transformers = pytest.importorskip("transformers")

MEDIA = Path(__file__).resolve().parents[3] / "demo" / "media"
TEXT, PICTURE = 48, 80
FRAMES, WINDOW = 20, 17


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A models folder that holds what `huggingface-cli download ...-Diffusers` would lay there, only small."""
    from tokenizers import Tokenizer, pre_tokenizers, processors
    from tokenizers.models import WordLevel

    root = tmp_path_factory.mktemp("models")
    folder = root / "diffusers" / "Wan2.2-Animate-14B-Diffusers"
    tiny_transformer(text_dim=TEXT, image_dim=PICTURE).save_pretrained(folder / "transformer")
    tiny_vae().save_pretrained(folder / "vae")
    torch.manual_seed(0)
    umt5 = transformers.UMT5Config(
        vocab_size=16, d_model=TEXT, d_kv=64, d_ff=32, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu"
    )
    transformers.UMT5EncoderModel(umt5).save_pretrained(folder / "text_encoder")
    words = Tokenizer(WordLevel({w: i for i, w in enumerate(["<pad>", "</s>", "<unk>", "a", "dance"])}, unk_token="<unk>"))  # fmt: skip
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>")
    fast.save_pretrained(folder / "tokenizer")
    clip = transformers.CLIPVisionConfig(
        hidden_size=PICTURE, intermediate_size=32, num_hidden_layers=3, num_attention_heads=1, image_size=28, patch_size=14
    )  # fmt: skip
    transformers.CLIPVisionModel(clip).save_pretrained(folder / "image_encoder")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "WanAnimatePipeline"}))
    return root


def command(models, tmp_path, *words):
    return subprocess.run(
        [sys.executable, "-m", "motion_transfer.cli.main", "run", str(tmp_path / "small.png"),
         str(small_dance(tmp_path / "dance", FRAMES)[1]), "--engine", "wan-animate", "--weights", str(models), "--device", "cpu", "--quiet",
         "--work-dir", str(tmp_path / "work"), "-o", str(tmp_path / "out.mp4"),
         *[w for s in ("steps=1", f"window={WINDOW}", "dtype=fp32") for w in ("--set", s)], *words],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.mark.parametrize("mode", ["move", pytest.param("replace", marks=pytest.mark.slow)])
def test_the_command_makes_a_video_with_sound_in_windows(models, tmp_path, mode):
    picture = Image.open(MEDIA / "heroine.png").convert("RGB")
    picture.resize((64, round(64 * picture.height / picture.width))).save(tmp_path / "small.png")
    done = command(models, tmp_path, "--mode", mode)
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "out.mp4")) as container:
        frames = [f.pts * f.time_base for f in container.decode(video=0)]
        size = container.streams.video[0].width, container.streams.video[0].height
        assert len(container.streams.audio) == 1
    assert len(frames) == FRAMES
    assert min(size) % 16 == 0 and (size[0] > size[1]) == (mode == "replace")
    told = json.loads(next(tmp_path.glob("out*.json")).read_text())
    report = told["engine"]["report"]
    assert report["windows"] == 2 and report["backend"].startswith("diffusers/")
    assert report["face"].startswith("wan-lmd/"), told["notes"]
    assert "drift_de_mean" in report
    assert not [n for n in told["notes"] if "gone" in n], told["notes"]
    again = command(models, tmp_path, "--mode", mode)
    assert again.returncode == 0, "the same command once more has nothing left to do"
