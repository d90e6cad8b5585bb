"""Motion modules on a native SD1.5 or SDXL MODEL, by ComfyUI's own hooks: nothing of ComfyUI's is replaced.

The module is a model of its own beside the UNet (so that memory is managed), put into its blocks whenever the UNet is
loaded and taken out with it. Weights, LoRAs, quantisation and attention of the MODEL stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.ops
import comfy.utils
import torch
from comfy.ldm.modules.attention import SpatialTransformer, optimized_attention
from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
from comfy.patcher_extension import PatcherInjection, WrappersMP

from ..core import UsageError
from ..models.animate_diff.injection import Injection
from ..models.animate_diff.layout import build
from ..models.animate_diff.motion_module import MotionLayout, TemporalTransformer

KEY = "motion_transfer_animate_diff"
CONTEXT_WIDTHS = {"SD1.5": 768, "SDXL": 2048}
"""Width of what the text encoders say, by which bases are told apart."""
_kept: dict[tuple[str, int], MotionModule] = {}
"""The module of the last run, so that the same graph queued again does not read it again."""


@dataclass(frozen=True)
class MotionModule:
    """A motion module from a file, ready for any number of MODELs."""

    name: str
    num_bytes: int
    patcher: Any

    @property
    def layout(self) -> MotionLayout:
        return self.patcher.model.layout

    @property
    def title(self) -> str:
        return f"{self.name} ({self.layout.kind})"


@dataclass(frozen=True)
class Moved:
    """What a MODEL that `with_motion` has made carries along, as its attachment `KEY`."""

    module: MotionModule
    scale: float
    sampling: Any
    """The noise levels that it has set; None where a node before had set others."""


def load_motion_module(path: Path) -> MotionModule:
    """InputError says what the file seems to be where it is no motion module."""
    key = (str(path), path.stat().st_mtime_ns)
    if key not in _kept:
        _kept.clear()
        tensors = comfy.utils.load_torch_file(str(path), safe_load=True)
        net = build(tensors, path.name, comfy.ops.manual_cast, _attend)
        _as_small_as_the_unet(net)
        patcher = comfy.model_patcher.CoreModelPatcher(
            net,
            load_device=comfy.model_management.get_torch_device(),
            offload_device=comfy.model_management.unet_offload_device(),
        )
        _kept[key] = MotionModule(path.name, path.stat().st_size, patcher)
    return _kept[key]


def with_motion(model: Any, module: MotionModule, scale: float = 1.0) -> Any:
    """The MODEL with the module in its UNet, on the noise schedule that the module was trained on.

    Raises UsageError where they are of another base.
    """
    require_base(model, module)
    model = without_motion(model)
    patcher = module.patcher.clone()
    model.set_additional_models(KEY, [patcher])
    injection = Injection()

    def put_in(into: Any) -> None:
        motion = into.get_additional_models_with_key(KEY)[0].model
        injection.put_in(into.model.diffusion_model, motion, (SpatialTransformer, ResBlock))

    def take_out(of: Any) -> None:
        injection.take_out(of.model.diffusion_model)

    def forward(executor: Any, x: torch.Tensor, *args: Any, **words: Any) -> Any:
        options = words["transformer_options"] if "transformer_options" in words else args[4]
        injection.num_frames = _num_frames(x, options)
        return executor(x, *args, **words)

    def move(layer: TemporalTransformer, x: torch.Tensor, emb: Any, context: Any, options: Any, *_: Any) -> Any:
        return layer(x, _num_frames(x, options), scale)

    model.set_injections(KEY, [PatcherInjection(inject=put_in, eject=take_out)])
    model.set_model_forward_timestep_embed_patch((TemporalTransformer, move))
    model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, KEY, forward)
    sampling = None
    if "model_sampling" not in model.object_patches:  # a node that sets sampling knows better
        sampling = _schedule_of(model, module.layout)
        model.add_object_patch("model_sampling", sampling)
    model.set_attachments(KEY, Moved(module, scale, sampling))
    return model


def without_motion(model: Any) -> Any:
    """A clone without what `with_motion` had put on it."""
    model = model.clone()
    known = moved(model)
    model.remove_additional_models(KEY)
    model.remove_injections(KEY)
    model.remove_attachments(KEY)
    model.remove_wrappers_with_key(WrappersMP.DIFFUSION_MODEL, KEY)
    if known is not None:
        if known.sampling is not None and model.object_patches.get("model_sampling") is known.sampling:
            model.object_patches.pop("model_sampling")
        patches = model.model_options["transformer_options"]["patches"]
        patches["forward_timestep_embed_patch"] = [
            p for p in patches["forward_timestep_embed_patch"] if p[0] is not TemporalTransformer
        ]
    return model


def moved(model: Any) -> Moved | None:
    """What of ours is on a MODEL."""
    return model.get_attachment(KEY)


def is_prepared_by_evolved(model: Any) -> bool:
    """Whether AnimateDiff-Evolved has put a motion model on it, and will see to windows itself."""
    return model.get_attachment("ADE_params") is not None or bool(model.get_additional_models_with_key("ADE"))


def require_base(model: Any, module: MotionModule) -> None:
    """UsageError names what is on the MODEL wire instead of the module's base."""
    found = base_of(model)
    if found == module.layout.base:
        return
    kind = type(getattr(model, "model", None)).__name__
    what = found or f"a {kind} model"
    raise UsageError(
        f"The MODEL wire carries {what}, but {module.title} moves {module.layout.base}: load an {module.layout.base} "
        f"checkpoint, or take a motion module for {found or 'that base, if there is one'}."
    )


def base_of(model: Any) -> str | None:
    """'SD1.5' or 'SDXL'; None for anything else."""
    network = getattr(getattr(model, "model", None), "diffusion_model", None)
    width = text_width(network)
    if not hasattr(network, "input_blocks") or width is None or _in_channels(network) != 4:
        return None
    return next((base for base, known in CONTEXT_WIDTHS.items() if known == width), None)


def text_width(network: Any) -> int | None:
    """Channels of the text that a UNet or ControlNet reads; None where it reads none."""
    names = network.named_parameters() if isinstance(network, torch.nn.Module) else ()
    return next((int(value.shape[1]) for name, value in names if name.endswith("attn2.to_k.weight")), None)


def _as_small_as_the_unet(net: torch.nn.Module) -> None:
    """Published files are float32: twice what a UNet in half precision takes. Tables of positions stay."""
    dtype = comfy.model_management.unet_dtype()
    for value in net.parameters():
        if dtype.itemsize < value.dtype.itemsize and dtype.itemsize > 1:
            value.data = value.data.to(dtype)


def _attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    return optimized_attention(q, k, v, heads)


def _num_frames(x: torch.Tensor, options: Any) -> int:
    """Frames of a clip in a batch that may hold both prompts."""
    return x.shape[0] // max(1, len(options.get("cond_or_uncond", [0])))


def _in_channels(network: Any) -> int | None:
    weight = getattr(network.input_blocks[0][0], "weight", None)
    return None if weight is None else int(weight.shape[1])


def _schedule_of(model: Any, layout: MotionLayout) -> Any:
    """The model's own kind of prediction on the module's noise levels."""
    kind = type(model.get_model_object("model_sampling"))
    if not issubclass(kind, comfy.model_sampling.ModelSamplingDiscrete):
        raise UsageError(f"AnimateDiff knows 1000 noise levels, but the MODEL samples by {kind.__name__}.")
    name, first, last = layout.schedule
    sampling = kind(model.model.model_config)
    sampling._register_schedule(given_betas=None, beta_schedule=name, timesteps=1000, linear_start=first, linear_end=last)  # fmt: skip
    return sampling
