"""AnimateDiff's hooks inside ComfyUI's own code on tiny networks, against AnimateDiff-Evolved's numbers, on the CPU.

Run by ComfyUI's interpreter in its folder:  python animate_in_comfy.py PACK  prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TINY = {
    "image_size": 32, "in_channels": 4, "out_channels": 4, "model_channels": 64, "channel_mult": (1, 2, 4, 4),
    "num_res_blocks": [2, 2, 2, 2], "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0], "transformer_depth_middle": 1,
    "transformer_depth_output": [1] * 9 + [0] * 3, "context_dim": 32, "num_heads": 8, "num_head_channels": -1,
    "use_spatial_transformer": True, "use_temporal_attention": False, "legacy": False,
}  # fmt: skip
"""The UNet that the goldens were made with: SD1.5's shape, a fifth as wide."""
FRAMES, LENGTH, OVERLAP, STEPS = 20, 8, 2, 2


def main(pack: Path) -> dict[str, float]:
    sys.path[:0] = [str(Path.cwd()), str(pack / "tests" / "comfy"), str(pack / "tests" / "models" / "animate_diff")]
    sys.argv = sys.argv[:1]
    from comfy.cli_args import args

    args.cpu = True
    args.use_pytorch_cross_attention = True  # as on a GPU; the default without one adds half as much rounding again
    import torch

    torch.set_num_threads(1)
    from wan_against_core import load_pack

    load_pack(pack)
    with torch.no_grad():
        return {**injected(), **levels(), **windows(), **refusals(), **cancelled()}


def tiny_model():
    """A native MODEL around the golden UNet, its weights by the goldens' recipe."""
    import comfy.model_base
    import comfy.model_management
    import comfy.model_patcher
    import comfy.supported_models
    import torch
    from animate_recipe import filled

    config = comfy.supported_models.SD15({**TINY, "dtype": torch.float32})
    config.set_inference_dtype(torch.float32, None)
    model = comfy.model_base.BaseModel(config, device="cpu")
    filled(model.diffusion_model, "unet.")
    place = comfy.model_management.get_torch_device()
    return comfy.model_patcher.CoreModelPatcher(model, load_device=place, offload_device=place)


def tiny_motion(kind):
    import comfy.model_patcher
    import comfy.ops
    import torch
    from animate_recipe import filled
    from pack.models.animate_diff.motion_module import MotionLayout, MotionNet
    from pack.nodes.animate_diff_model import MotionModule, _attend

    layout = MotionLayout(kind, (64, 128, 256, 256), kind == "v2", 24 if kind == "v1" else 32)
    net = filled(MotionNet(layout, comfy.ops.manual_cast, _attend), "motion.")
    place = torch.device("cpu")
    return MotionModule(f"tiny_{kind}", 1, comfy.model_patcher.CoreModelPatcher(net, load_device=place, offload_device=place))  # fmt: skip


def run_network(model, given):
    """The MODEL's network as sampling would run it: loaded by ComfyUI, modules put in by its injections."""
    import comfy.model_management

    comfy.model_management.load_models_gpu([model, *model.get_nested_additional_models()])
    options = {**model.model_options["transformer_options"], "wrappers": model.wrappers, "cond_or_uncond": [0]}
    n = len(given["x"])
    return model.model.diffusion_model(
        given["x"], given["timestep"].expand(n), context=given["context"].expand(n, -1, -1), transformer_options=options
    )


def injected() -> dict[str, float]:
    from animate_recipe import golden
    from pack.models.animate_diff.motion_module import TemporalTransformer
    from pack.nodes import animate_diff_model as ours

    given, places = golden("injected_unet.safetensors"), golden("injected_places.json")
    ours.require_base = lambda model, module: None  # the tiny text is 32 wide
    plain, told = tiny_model(), {}

    def off(model, name):
        return float((run_network(model, given) - given[name]).abs().max())

    told["plain"] = off(plain, "plain")
    for kind in ("v2", "v3", "v1"):
        module = tiny_motion(kind)
        model = ours.with_motion(plain, module)
        told[kind] = off(model, kind)
        names = {id(m): n.replace(".temporal_transformer", "") for n, m in module.patcher.model.named_modules() if isinstance(m, TemporalTransformer)}  # fmt: skip
        found = {n: names[id(m)] for n, m in model.model.diffusion_model.named_modules() if id(m) in names}
        told[f"{kind}_places"] = float(found == places[kind])
        if kind == "v2":
            told["v2_scale_1_3"] = off(ours.with_motion(model, module, 1.3), "v2_scale_1_3")
            told["v2_again"] = off(ours.with_motion(ours.with_motion(model, module, 1.3), module), "v2")
            other = ours.with_motion(plain, module)
            other.add_object_patch("model_sampling", mine := object())
            told["own_levels_stay"] = float(ours.with_motion(other, module).object_patches["model_sampling"] is mine)
            told["v2_taken_off"] = off(ours.without_motion(model), "plain")
        told[f"plain_after_{kind}"] = off(plain, "plain")
    return told


def levels() -> dict[str, float]:
    from animate_recipe import golden
    from pack.models.animate_diff.motion_module import MotionLayout
    from pack.nodes.animate_diff_model import _schedule_of

    known, model, worst = golden("sigmas.json"), tiny_model(), 0.0
    for widths, name in (((64,) * 4, "sqrt_linear (AnimateDiff)"), ((64,) * 3, "linear (AnimateDiff-SDXL)")):
        sigmas = _schedule_of(model, MotionLayout("v2", widths, True, 32)).sigmas
        worst = max(worst, *(abs(float(sigmas[k]) / s - 1) for k, s in zip(known["at"], known[name], strict=True)))
    return {"levels": worst}


def windows() -> dict[str, float]:
    """What each window's ControlNet is shown, under core's handler and under ours; and that sampling keeps its promises."""
    import comfy.cldm.cldm
    import comfy.context_windows
    import comfy.controlnet
    import comfy.ops
    import comfy.sample
    import comfy.samplers
    import torch
    from animate_recipe import filled
    from pack.core import MotionTransferError
    from pack.models.animate_diff.windows import SCHEDULES, WindowRule, freenoise_order
    from pack.nodes.animate_diff_model import with_motion
    from pack.nodes.animate_diff_windows import with_windows

    shape = {k: v for k, v in TINY.items() if k not in ("out_channels", "transformer_depth_output")}
    network = comfy.cldm.cldm.ControlNet(**shape, hint_channels=3, dtype=torch.float32, operations=comfy.ops.manual_cast)  # fmt: skip
    filled(network, "control.")
    control = comfy.controlnet.ControlNet(network, load_device=torch.device("cpu"))
    hints = (torch.arange(FRAMES).float() / FRAMES).reshape(-1, 1, 1, 1).expand(-1, 3, 64, 64).contiguous()
    seen: list[tuple[int, ...]] = []
    forward = network.forward

    def watched(*args, hint=None, **words):
        seen.append(tuple(round(float(v) * FRAMES) for v in hint[:, 0, 0, 0]))
        return forward(*args, hint=hint, **words)

    network.forward = watched
    control.set_cond_hint(hints, 0.8, (0.0, 1.0))
    draw = torch.Generator().manual_seed(5)
    one, other = (torch.randn(1, 5, 32, generator=draw) for _ in range(2))
    prompts = [[[text, {"control": control, "control_apply_to_uncond": False}]] for text in (one, other)]
    base = with_motion(tiny_model(), tiny_motion("v2"))
    sigmas = comfy.samplers.calculate_sigmas(base.get_model_object("model_sampling"), "normal", STEPS)
    noise = torch.randn(FRAMES, 4, 8, 8, generator=draw)
    start = torch.randn(FRAMES, 4, 8, 8, generator=draw)

    def sample(model, mask=None):
        seen.clear()
        return comfy.sample.sample_custom(
            model, noise.clone(), 3.0, comfy.samplers.sampler_object("euler"), sigmas, *prompts, start.clone(),
            noise_mask=mask, disable_pbar=True, seed=3,
        )  # fmt: skip

    def right(rule):
        """Whether every call of the ControlNet saw a window's own pictures, once for both prompts together."""
        wanted = [tuple(w) * 2 for step in range(STEPS) for w in rule.windows(FRAMES, step)]
        return float(seen == wanted)

    told: dict[str, float] = {}
    for schedule in SCHEDULES:
        rule = WindowRule(LENGTH, OVERLAP, schedule)
        model = with_windows(base, rule)
        made = sample(model)
        told[f"hints_{schedule}"] = right(rule)
        told[f"finite_{schedule}"] = float(torch.isfinite(made).all())
        told["kept_after"] = told.get("kept_after", 0) + len(model.model_options["context_handler"]._controls)
    static = WindowRule(LENGTH, OVERLAP, "static")
    ours = sample(with_windows(base, static))
    told["again"] = float((sample(with_windows(base, static)) - ours).abs().max())
    core = base.clone()
    cw = comfy.context_windows
    core.model_options["context_handler"] = cw.IndexListContextHandler(
        cw.get_matching_context_schedule("standard_static"), cw.get_matching_fuse_method("pyramid"),
        context_length=LENGTH, context_overlap=OVERLAP, causal_window_fix=False,
    )  # fmt: skip
    told["core_differs"] = float((sample(core) - ours).abs().max())
    told["hints_core"] = right(static)
    told["core_shows_the_first"] = float(all(shown[:LENGTH] == tuple(range(LENGTH)) for shown in seen))
    # Where the pictures are all alike, core's handler and ours are the same thing.
    control.set_cond_hint(hints[:1], 0.8, (0.0, 1.0))
    told["core_agrees"] = float((sample(core) - sample(with_windows(base, static))).abs().max())
    control.set_cond_hint(hints, 0.8, (0.0, 1.0))

    mask = torch.ones(FRAMES, 1, 8, 8)
    mask[:6] = 0
    kept = sample(with_windows(base, static), mask)
    told["known_frames_moved"] = float((kept[:6] - start[:6]).abs().max())
    told["unknown_frames_follow"] = float((kept[6:12] - ours[6:12]).abs().max())

    shuffled = with_windows(base, static, shuffles_noise=True)
    order = freenoise_order(FRAMES, LENGTH, OVERLAP, 3)
    theirs = cw.apply_freenoise(noise.clone(), 0, LENGTH, OVERLAP, 3)
    told["freenoise"] = float((noise[order] - theirs).abs().max())
    by_wrapper = sample(shuffled)
    noise = theirs
    told["freenoise_wrapper"] = float((by_wrapper - sample(with_windows(base, static))).abs().max())
    control.set_cond_hint(hints[:10], 0.8, (0.0, 1.0))
    try:
        sample(with_windows(base, static))
        told["wrong_count"] = 0.0
    except MotionTransferError as error:
        told["wrong_count"] = float("10 pictures for 20 frames" in str(error))
    return told


def refusals() -> dict[str, float]:
    """One line each, which names what came and what would work."""
    from types import SimpleNamespace

    import torch
    from pack.core import MotionTransferError
    from pack.nodes import animate_diff_backend as backend
    from pack.nodes import animate_diff_identity as identity

    told: dict[str, float] = {}

    def line(name, words, call):
        try:
            call()
            told[name] = 0.0
        except MotionTransferError as error:
            text = str(error)
            told[name] = float("\n" not in text and all(word in text for word in words))

    class Control(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.attn2 = torch.nn.Module()
            self.attn2.to_k = torch.nn.Linear(width, 8, bias=False)

    known = backend.base_of
    backend.base_of = lambda model: "SD1.5"
    xl, same = SimpleNamespace(control_model=Control(2048)), SimpleNamespace(control_model=Control(768))
    line("control_of_another_base", ("SDXL", "SD1.5", "control_v11p_sd15_openpose"), lambda: backend.require_same_base(xl, None))  # fmt: skip
    flux = SimpleNamespace(control_model=torch.nn.Linear(2, 2))
    line("control_of_another_kind", ("another kind of model",), lambda: backend.require_same_base(flux, None))
    backend.require_same_base(same, None)
    backend.base_of = known
    line("vae", ("16 latent channels",), lambda: backend.require_picture_vae(SimpleNamespace(latent_channels=16, latent_dim=3)))  # fmt: skip
    line("no_pack", ("ComfyUI_IPAdapter_plus", "reference_strength"), lambda: identity.require_identity("ip-adapter", 0.4))  # fmt: skip
    vae = SimpleNamespace(latent_channels=4, latent_dim=2)
    line("no_module", ("no motion module",), lambda: backend.ComfyAnimateBackend(tiny_model(), vae, [], [], same, backend.Sampling()))  # fmt: skip
    prepared = tiny_model()
    prepared.set_attachments("ADE_params", object())
    backend.require_same_base = lambda control, model: None
    made = backend.ComfyAnimateBackend(prepared, vae, [], [], same, backend.Sampling(), module=tiny_motion("v2"))
    untouched = not made._model.injections and "context_handler" not in made._model.model_options
    told["evolved_is_taken_as_it_is"] = float(untouched and made.places is None and "as it is" in made.notes[0])
    return told


def cancelled() -> dict[str, float]:
    """ComfyUI's cancel button, pressed after the first step of a section, through our backend."""
    from types import SimpleNamespace

    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.model_management
    import comfy.ops
    import numpy as np
    import torch
    from animate_recipe import filled
    from pack.core import Cancelled
    from pack.models.animate_diff.backend import SectionCondition
    from pack.models.animate_diff.windows import WindowRule
    from pack.nodes import animate_diff_backend as backend
    from pack.nodes import animate_diff_model as ours

    ours.require_base = lambda model, module: None  # the tiny text is 32 wide
    backend.require_same_base = lambda control, model: None
    vae = SimpleNamespace(latent_channels=4, latent_dim=2, get_sd=dict)
    shape = {k: v for k, v in TINY.items() if k not in ("out_channels", "transformer_depth_output")}
    network = comfy.cldm.cldm.ControlNet(**shape, hint_channels=3, dtype=torch.float32, operations=comfy.ops.manual_cast)  # fmt: skip
    control = comfy.controlnet.ControlNet(filled(network, "control."), load_device=torch.device("cpu"))
    text = [[torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(1)), {}]]
    made = backend.ComfyAnimateBackend(
        tiny_model(), vae, text, text, control, backend.Sampling(2, 1.0), module=tiny_motion("v2")
    )
    start, noise = torch.zeros(12, 4, 8, 8), torch.randn(12, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    section = SectionCondition(np.full((12, 64, 64, 3), 90, np.uint8), start, 4, WindowRule(LENGTH, OVERLAP))
    steps: list[int] = []

    def stop(done, total, preview):
        steps.append(done)
        comfy.model_management.interrupt_current_processing(True)

    told = {"fingerprint_again": float(made._digest() == made.fingerprint)}
    try:
        made.sample(section, noise, 3, stop)
        told["cancelled"] = 0.0
    except Cancelled:
        told["cancelled"] = float(steps == [1] and comfy.model_management.processing_interrupted())
    comfy.model_management.interrupt_current_processing(False)
    steps.clear()
    done = made.sample(section, noise, 3, lambda *told: steps.append(told[0]))
    again = made.sample(section, noise, 3, lambda *told: None)
    kept = float(done[:4].abs().max()) < 1e-6 and bool(torch.isfinite(done).all())
    told["after_cancelling"] = float(steps == [1, 2] and kept and torch.equal(done, again))
    told["fingerprint_while_loaded"] = float(made._digest() == made.fingerprint)
    return told


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]).absolute())))
