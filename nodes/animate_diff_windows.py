"""AnimateDiff's windows inside ComfyUI's sampling: each sees its own frames of everything that has one for each frame.

Core's own context windows (comfy/context_windows.py, 0.33) show every window the first pictures of a ControlNet and
put one frame more before later windows; a motion module can use neither. This is a handler of the same interface.
"""

from __future__ import annotations

import copy
from typing import Any

import comfy.context_windows
import comfy.model_management
import torch
from comfy.patcher_extension import WrappersMP

from ..core import UsageError
from ..models.animate_diff.windows import WindowRule, freenoise_order

KEY = "motion_transfer_windows"


class AnimateDiffWindows(comfy.context_windows.ContextHandlerABC):
    """Put on a MODEL by `with_windows`; holds copies of ControlNets while it samples and nothing afterwards."""

    def __init__(self, rule: WindowRule, *, shuffles_noise: bool) -> None:
        self.rule, self.shuffles_noise = rule, shuffles_noise
        self._step = 0
        self._controls: dict[tuple[Any, ...], Any] = {}

    def should_use_context(self, model: Any, conds: Any, x_in: Any, timestep: Any, model_options: Any) -> bool:
        return x_in.shape[0] > self.rule.length

    def get_resized_cond(self, cond_in: Any, x_in: Any, window: Any, device: Any = None) -> Any:
        """The conds of one window, a list of frames."""
        return None if cond_in is None else [self._cut(cond, tuple(window), x_in.shape[0]) for cond in cond_in]

    def execute(
        self, calc_cond_batch: Any, model: Any, conds: Any, x_in: Any, timestep: Any, model_options: Any
    ) -> Any:
        self._find_step(timestep, model_options)
        n = x_in.shape[0]
        windows = [tuple(window) for window in self.rule.windows(n, self._step)]
        self._controls = {key: c for key, c in self._controls.items() if key[1] in set(windows)}
        made = [torch.zeros_like(x_in) for _ in conds]
        weight = torch.zeros((n, *[1] * (x_in.ndim - 1)), device=x_in.device, dtype=torch.float32)
        options = model_options["transformer_options"]
        before = options.get("ad_params")
        try:
            for window in windows:
                comfy.model_management.throw_exception_if_processing_interrupted()
                frames = torch.tensor(window, device=x_in.device)
                shares = torch.tensor(self.rule.weights(window, n), device=x_in.device).reshape(-1, *weight.shape[1:])
                # By this name picture adapters look for the window's frames among their own.
                options["ad_params"] = {"sub_idxs": list(window), "full_length": n, "context_length": len(window)}
                told = [self.get_resized_cond(cond, x_in, window) for cond in conds]
                when = timestep[frames.to(timestep.device)] if timestep.shape[0] == n else timestep
                for whole, part in zip(
                    made, calc_cond_batch(model, told, x_in[frames], when, model_options), strict=True
                ):
                    whole.index_add_(0, frames, (part * shares).to(whole.dtype))
                weight.index_add_(0, frames, shares)
        finally:
            if before is None:
                options.pop("ad_params", None)
            else:
                options["ad_params"] = before
        return [(whole / weight).to(x_in.dtype) for whole in made]

    def forget(self) -> None:
        """After sampling: copies of ControlNets know the noise levels of one run."""
        self._controls, self._step = {}, 0

    def _find_step(self, timestep: torch.Tensor, model_options: Any) -> None:
        sigmas = model_options["transformer_options"].get("sample_sigmas")
        if sigmas is None:
            return
        same = torch.nonzero(torch.isclose(sigmas.float().cpu(), timestep[0].float().cpu(), rtol=1e-4))
        if len(same):  # else a half step of the sampler, seen through the windows of its whole one
            self._step = int(same[0])

    def _cut(self, cond: dict[str, Any], window: tuple[int, ...], total: int) -> dict[str, Any]:
        out = {}
        for name, value in cond.items():
            if name == "control":
                out[name] = self._control(value, window, total)
            elif isinstance(value, dict):
                out[name] = {inner: _of_window(held, window, total) for inner, held in value.items()}
            else:
                out[name] = _of_window(value, window, total)
        return out

    def _control(self, control: Any, window: tuple[int, ...], total: int) -> Any:
        """A copy that shows the window's pictures; the same one for both prompts, so that they stay one batch."""
        key = (id(control), window)
        if key not in self._controls:
            # The original is kept too: its identity must not be given to another object meanwhile.
            self._controls[key] = (_control_of_window(control, window, total), control)
        return self._controls[key][0]


def with_windows(model: Any, rule: WindowRule, *, shuffles_noise: bool = False) -> Any:
    """The MODEL that samples through these windows; `shuffles_noise`: from FreeNoise, where the sampler draws it."""
    model = model.clone()
    handler = AnimateDiffWindows(rule, shuffles_noise=shuffles_noise)
    model.model_options["context_handler"] = handler
    for kind in (WrappersMP.OUTER_SAMPLE, WrappersMP.SAMPLER_SAMPLE, WrappersMP.PREPARE_SAMPLING):
        model.remove_wrappers_with_key(kind, KEY)

    def outer_sample(executor: Any, *args: Any, **words: Any) -> Any:
        try:
            return executor(*args, **words)
        finally:
            handler.forget()

    def sampler_sample(
        executor: Any, guider: Any, sigmas: Any, extra: Any, callback: Any, noise: Any, *args: Any, **words: Any
    ) -> Any:
        if handler.shuffles_noise:
            order = freenoise_order(noise.shape[0], rule.length, rule.overlap, int(extra.get("seed") or 0))
            noise = noise[order]
        return executor(guider, sigmas, extra, callback, noise, *args, **words)

    def prepare_sampling(executor: Any, patcher: Any, noise_shape: Any, *args: Any, **words: Any) -> Any:
        # Memory is needed for one window, not for the clip.
        shape = [min(noise_shape[0], rule.length), *list(noise_shape)[1:]]
        return executor(patcher, shape, *args, **words)

    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, outer_sample)
    model.add_wrapper_with_key(WrappersMP.SAMPLER_SAMPLE, KEY, sampler_sample)
    model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, KEY, prepare_sampling)
    return model


def _of_window(value: Any, window: tuple[int, ...], total: int) -> Any:
    """The window's frames of what has one for each frame; anything else as it is."""
    if isinstance(value, torch.Tensor):
        return value[list(window)] if value.ndim and value.shape[0] == total else value
    held = getattr(value, "cond", None)
    if isinstance(held, torch.Tensor) and held.ndim and held.shape[0] == total:
        return value._copy_with(held[list(window)])
    return value


def _control_of_window(control: Any, window: tuple[int, ...], total: int) -> Any:
    out = copy.copy(control)
    out.cond_hint, hint = None, getattr(control, "cond_hint_original", None)
    if hint is not None and hint.shape[0] not in (1, total):
        raise UsageError(
            f"A ControlNet was given {hint.shape[0]} pictures for {total} frames; one for each frame, or one for all, "
            f"would do."
        )
    if hint is not None and hint.shape[0] == total:
        out.cond_hint_original = hint[list(window)]
    if control.previous_controlnet is not None:
        out.previous_controlnet = _control_of_window(control.previous_controlnet, window, total)
    clones = getattr(control, "multigpu_clones", None)
    if clones:
        out.multigpu_clones = {where: _control_of_window(one, window, total) for where, one in clones.items()}
    return out
