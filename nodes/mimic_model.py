"""MimicMotion's UNet as a native SVD MODEL, led by poses, in tiles: by ComfyUI's own hooks, nothing of its own replaced.

ComfyUI knows MimicMotion's UNet for SVD's as soon as its weights have the original's names; so quantisation, LoRAs,
offloading and attention are the user's. PoseNet travels with the MODEL as an attachment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.sd
import torch
from comfy.patcher_extension import WrappersMP

from ..core import Host, InputError, UsageError
from ..models.mimic_motion.backend import SectionCondition
from ..models.mimic_motion.files import Tensors, is_mimic, pose_net_of, read_mimic
from ..models.mimic_motion.keys import native_name
from ..models.mimic_motion.pose_net import PoseLatents, PoseNet
from ..models.mimic_motion.tiles import Tile, fused
from ..models.mimic_motion.weights import find_pose_net, version_of

KEY = "motion_transfer_mimic_motion"
DTYPES = {"default": None, "fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}


@dataclass(frozen=True)
class MimicParts:
    """What a MODEL of MimicMotion carries along, as its attachment `KEY`."""

    name: str
    """Of the file."""
    version: str
    """'1-1' or '1', as the settings have it."""
    pose_net: PoseNet


def load_mimic_model(path: Path, pose_net: Path | None = None, weight_dtype: str = "default", **words: Any) -> Any:
    """A native MODEL. InputError for a file that is something else, or lacks a weight; `words` are the core's own."""
    weights = read_mimic(path)
    parts = MimicParts(path.name, version_of(path.name), pose_net_of(weights, path, pose_net))
    tensors = {native_name(name) or name: value for name, value in weights.unet.items()}
    names = set(tensors)
    del weights
    options = {} if DTYPES[weight_dtype] is None else {"dtype": DTYPES[weight_dtype]}
    model = comfy.sd.load_diffusion_model_state_dict(tensors, model_options=options, **words)
    if model is None:
        raise InputError(f"ComfyUI does not know {path.name} for a UNet of SVD; is it MimicMotion's, whole?")
    odd = sorted(set(model.model.diffusion_model.state_dict()) ^ names)
    if odd:
        raise InputError(f"{path.name} does not fit SVD's UNet: {', '.join(odd[:3])}.")
    model.cached_patcher_init = (load_mimic_model, (path, pose_net, weight_dtype))
    model.set_attachments(KEY, parts)
    return model


def pose_net_beside(path: Path, host: Host) -> Path | None:
    """The file of PoseNet alone, where `path` is MimicMotion without it; a file that is something else is left to
    `load_mimic_model` to name."""
    names = Tensors(path)
    if not is_mimic(names) or any(n.startswith("pose_net.") for n in names):
        return None
    return find_pose_net(host, path)


def parts_of(model: Any) -> MimicParts:
    """UsageError names what is on the MODEL wire instead."""
    parts = getattr(model, "attachments", {}).get(KEY)
    if parts is not None:
        return parts
    kind = type(getattr(model, "model", None)).__name__
    what = "plain Stable Video Diffusion" if kind == "SVD_img2vid" else f"a {kind} model"
    raise UsageError(
        f"The MODEL wire carries {what}; this node needs MimicMotion's, from Load MimicMotion (LoRAs may lie between)."
    )


def led(model: Any, condition: SectionCondition, poses: PoseLatents) -> Any:
    """A clone that follows the poses of one section; what hangs on `model` already goes on working."""
    model = model.clone()
    frames, tiles = len(condition.poses), condition.tiles
    before = model.model_options.get("model_function_wrapper")

    def add_pose(hidden: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        if tuple(options["block"]) != ("input", 0) or KEY not in options:
            return hidden
        tile: Tile = options[KEY]
        latents = poses.tile(tile, hidden.device, hidden.dtype)
        sides = hidden.chunk(len(options["cond_or_uncond"]))
        return torch.cat([h + latents if which == 0 else h for h, which in zip(sides, options["cond_or_uncond"], strict=True)])  # fmt: skip

    def in_tiles(apply: Any, args: dict[str, Any]) -> torch.Tensor:
        x, times, told = args["input"], args["timestep"], args["c"]
        total, parts = x.shape[0], len(args["cond_or_uncond"])
        if total != parts * frames:
            raise RuntimeError(f"MimicMotion was given {total} latents for {parts} x {frames} frames")

        def predict(tile: Tile) -> torch.Tensor:
            rows = [part * frames + f for part in range(parts) for f in tile]
            cut = {k: v[rows] if torch.is_tensor(v) and v.shape[:1] == (total,) else v for k, v in told.items()}
            cut["num_video_frames"] = len(tile)
            cut["transformer_options"] = {**told["transformer_options"], KEY: tile}
            if before is None:
                said = apply(x[rows], times[rows], **cut)
            else:
                said = before(apply, {**args, "input": x[rows], "timestep": times[rows], "c": cut})
            return said.view(parts, len(tile), *said.shape[1:])

        return fused(frames, tiles, predict).flatten(0, 1)

    def prepare(executor: Any, patcher: Any, noise_shape: Any, *args: Any, **words: Any) -> Any:
        # Memory is needed for a tile, not for all frames.
        shape = [min(noise_shape[0], max(map(len, tiles))), *list(noise_shape)[1:]]
        return executor(patcher, shape, *args, **words)

    model.set_model_input_block_patch(add_pose)
    model.set_model_unet_function_wrapper(in_tiles)
    model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, KEY, prepare)
    if "sampler_cfg_function" not in model.model_options:  # one that is there, such as VideoLinearCFGGuidance, stays
        guidance = condition.guidance.view(-1, 1, 1, 1)

        def guide(args: dict[str, Any]) -> torch.Tensor:
            cond, uncond = args["cond"], args["uncond"]
            return uncond + guidance.to(cond) * (cond - uncond)

        model.set_model_sampler_cfg_function(guide)
    return model
