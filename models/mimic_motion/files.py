"""MimicMotion's published files become tensors by diffusers' names; another file is named with what it seems to be.

Layouts: Tencent's `.pth` ('unet.' and 'pose_net.'), Kijai's safetensors (the UNet without a prefix), PoseNet alone, and
what ComfyUI saves (the original's names, with or without 'model.diffusion_model.').
Pickles are opened with `weights_only` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...core import InputError
from .keys import diffusers_name, native_name
from .pose_net import PoseNet

PICKLES = (".pth", ".pt", ".ckpt", ".bin")
_UNET, _POSE, _NATIVE = "unet.", "pose_net.", "model.diffusion_model."
_PARTS = ("conv_in.weight", "mid_block.attentions.0.temporal_transformer_blocks.0.attn1.to_q.weight", "conv_out.weight")
"""What no UNet of SVD lacks, and no other network has all of."""
_VIDEO_CHANNELS = 8


class Tensors(Mapping[str, Tensor]):
    """Name -> tensor of one file, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._where: dict[str, Callable[[], Tensor]] = {}
        try:
            if path.suffix in PICKLES:
                self._open_pickle()
            else:
                opened = safe_open(str(path), framework="pt", device="cpu")
                self._where = {k: (lambda k=k: opened.get_tensor(k)) for k in opened.keys()}  # noqa: SIM118
        except (SafetensorError, RuntimeError, OSError, EOFError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0][:100].rstrip(".")
            raise InputError(f"{path.name} cannot be read as weights ({why}); fetch it again.") from None
        except Exception as error:  # noqa: BLE001 -- unpickling has no error class of its own for what it refuses
            raise InputError(f"{path.name} is refused: it holds more than tensors ({type(error).__name__}).") from None

    def _open_pickle(self) -> None:
        try:
            loaded: Any = torch.load(self.path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # of the time before zip archives, which cannot be mapped
            loaded = torch.load(self.path, map_location="cpu", weights_only=True)
        if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
            loaded = loaded["state_dict"]
        if isinstance(loaded, Mapping):
            self._where = {str(k): (lambda v=v: v) for k, v in loaded.items() if isinstance(v, Tensor)}

    def __getitem__(self, name: str) -> Tensor:
        return self._where[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)


@dataclass(frozen=True)
class MimicWeights:
    """What one file holds of MimicMotion."""

    unet: dict[str, Tensor]
    """By diffusers' names, as the file has them in dtype."""
    pose_net: dict[str, Tensor] | None
    """None: the file has none."""


def read_mimic(path: Path) -> MimicWeights:
    """Both networks of a file. InputError where it is something else, with what it seems to be."""
    tensors = Tensors(path)
    names = _diffusers_names(tensors)
    if not all(part in names for part in _PARTS):
        raise InputError(
            f"{path.name} is not MimicMotion: {what_it_is(tensors)}. MimicMotion_1-1.pth of huggingface.co/tencent/"
            f"MimicMotion would do."
        )
    unknown = sorted(n for n in names if native_name(n) is None)
    if unknown:
        raise InputError(f"{path.name} is not MimicMotion: it has {_few(unknown)}, which SVD's UNet has not.")
    channels = tensors[names["conv_in.weight"]].shape[1]
    if channels != _VIDEO_CHANNELS:
        raise InputError(f"{path.name} is another video model: it takes {channels} channels, SVD's UNet {_VIDEO_CHANNELS}.")  # fmt: skip
    pose = {n[len(_POSE) :]: tensors[n] for n in tensors if n.startswith(_POSE)}
    return MimicWeights({ours: tensors[theirs] for ours, theirs in names.items()}, pose or None)


def read_pose_net(path: Path) -> PoseNet:
    """PoseNet from a file of its own, or from one that has it beside the UNet."""
    tensors = Tensors(path)
    pose = {n[len(_POSE) :]: tensors[n] for n in tensors if n.startswith(_POSE)}
    return PoseNet.from_tensors(pose or dict(tensors), path.name)


def pose_net_of(weights: MimicWeights, model: Path, alone: Path | None) -> PoseNet:
    """The file's own PoseNet, or that of `alone`."""
    if weights.pose_net is not None:
        return PoseNet.from_tensors(weights.pose_net, model.name)
    if alone is None:
        raise InputError(f"{model.name} has no PoseNet in it, and no file of PoseNet alone was given.")
    return read_pose_net(alone)


def is_mimic(names: Iterable[str]) -> bool:
    """Whether a file with these names holds a UNet of SVD's kind; SVD's own cannot be told from MimicMotion's."""
    ours = _diffusers_names(names)
    return all(part in ours for part in _PARTS)


def has_pose_net(path: Path) -> bool:
    """Looks at names only."""
    return any(name.startswith(_POSE) for name in Tensors(path))


def _diffusers_names(tensors: Iterable[str]) -> dict[str, str]:
    """diffusers' name -> the file's, of all that is not PoseNet."""
    given = [n for n in tensors if not n.startswith(_POSE)]
    if any(n.startswith(_NATIVE) for n in given):
        given = [n for n in given if n.startswith(_NATIVE)]
    plain = {n.removeprefix(_UNET).removeprefix(_NATIVE): n for n in given}
    if "input_blocks.0.0.weight" in plain:
        return {diffusers_name(n) or n: theirs for n, theirs in plain.items()}
    return plain


def what_it_is(names: Iterable[str]) -> str:
    """A guess for people, from the names of a file's tensors."""
    every = sorted(names)
    text = "\n".join(every)
    if not every:
        return "it has no tensors by name"
    for marks, said in _LOOKS:
        if all(mark in text for mark in marks):
            return f"it seems to be {said}"
    return f"it has {_few(every)}"


_LOOKS = (
    (("conv_layers.", "final_proj."), "its PoseNet alone"),
    (("motion_modules.",), "a motion module of AnimateDiff"),
    (("lora_",), "a LoRA"),
    (("time_stack.", "first_stage_model."), "a whole checkpoint of Stable Video Diffusion, of which only VAE and CLIP are wanted"),
    (("model.diffusion_model.", "first_stage_model."), "a checkpoint of Stable Diffusion"),
    (("face_adapter.",), "Wan-Animate"),
    (("patch_embedding.", "blocks.0."), "a Wan model"),
    (("controlnet",), "a ControlNet"),
    (("zero_convs.",), "a ControlNet"),
    (("decoder.", "time_mixer"), "SVD's VAE"),
    (("decoder.mid.block_1.mix_factor",), "SVD's VAE"),
    (("decoder.", "encoder."), "a VAE"),
    (("vision_model.",), "a CLIP vision encoder"),
    (("visual.", "resblocks."), "a CLIP vision encoder"),
    (("down_blocks.", "conv_in."), "a UNet of Stable Diffusion, for single pictures"),
    (("input_blocks.",), "a UNet of Stable Diffusion, for single pictures"),
)  # fmt: skip


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
