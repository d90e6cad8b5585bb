"""AnimateDiff on the wires' own models: a motion module on a MODEL for any sampler, and the whole transfer in one node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from comfy_api.latest import Input, io

from ..core import RESOLUTIONS
from ..models.animate_diff.spec import BACKEND, AnimateDiffSettings
from ..models.animate_diff.windows import SCHEDULES
from .animate_diff_folders import motion_module_files, motion_module_path
from .comfy_host import comfy_host
from .engine_inputs import setting_input
from .motion_transfer import QUALITY_WORDS
from .wired_transfer import wired_job, wired_outputs, wired_transfer
from .wires import CATEGORY, MotionWire

FROM_WIRE = "that of the MODEL wire"
"""In place of a file: the MODEL has its motion already, from AnimateDiff Model or from AnimateDiff-Evolved."""
SAMPLING = ("steps", "guidance", "denoise")
SHAPING = (
    "motion_scale", "pose_strength", "reference_strength", "identity", "temporal_consistency", "context_length",
    "context_overlap", "driving_smooth", "retarget", "schedule", "fuse", "freenoise", "pose_style", "section",
)  # fmt: skip
"""The engine's settings that the wires do not decide; prompts and files come with the models."""
_OPTIONS = {o.name: o for o in AnimateDiffSettings.options()}
_MODULE_TIP = "A file of models/animatediff_models: mm_sd_v15_v2, v3_sd15_mm (Apache-2.0), temporaldiff-v1 (terms on its page), mm_sdxl_v10_beta for SDXL."


class AnimateDiffModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MT_AnimateDiffModel",
            display_name="AnimateDiff Model",
            category=CATEGORY,
            description="Puts an AnimateDiff motion module into an SD1.5 or SDXL MODEL, with windows for long clips that show each window its own ControlNet pictures. For any KSampler.",
            search_aliases=["animatediff loader", "motion module", "context options", "animate diff", "freenoise"],
            inputs=[
                io.Model.Input("model", tooltip="SD1.5 or SDXL from any loader, with LoRAs and adapters."),
                io.Combo.Input("motion_module", options=motion_module_files(), tooltip=_MODULE_TIP),
                *(setting_input(_OPTIONS[name]) for name in ("motion_scale", "context_length", "context_overlap")),
                io.Combo.Input("schedule", options=list(SCHEDULES), default="uniform", tooltip="uniform: windows move from step to step. static: they stay. looped: the end runs into the start. batched: no overlap."),
                *(setting_input(replace(_OPTIONS[name], advanced=False)) for name in ("fuse", "freenoise")),
            ],
            outputs=[io.Model.Output(id="model", display_name="model", tooltip="For KSampler and an empty latent whose batch is the number of frames; ControlNets take one picture a frame.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        model: Any,
        motion_module: str,
        motion_scale: float,
        context_length: int,
        context_overlap: int,
        schedule: str,
        fuse: str,
        freenoise: bool,
    ) -> io.NodeOutput:
        from .animate_diff_model import load_motion_module, with_motion
        from .animate_diff_windows import with_windows

        batched = schedule == "batched"
        settings = AnimateDiffSettings(
            motion_scale=motion_scale, context_length=context_length, context_overlap=context_overlap,
            schedule="static" if batched else schedule, fuse=fuse, freenoise=freenoise, temporal_consistency=not batched,
        )  # fmt: skip
        module = load_motion_module(motion_module_path(motion_module))
        rule = settings.rule(module.layout.places)
        with comfy_host() as host:
            if rule.length < context_length:
                host.note(f"context_length is {context_length}, but {module.title} knows {rule.length} frames at once: {rule.length} are used.")  # fmt: skip
        return io.NodeOutput(
            with_windows(with_motion(model, module, motion_scale), rule, shuffles_noise=settings.shuffles_noise)
        )


class AnimateDiff(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        import comfy.samplers

        return io.Schema(
            node_id="MT_AnimateDiff",
            display_name="AnimateDiff (Long Video)",
            category=CATEGORY,
            description="AnimateDiff on your own checkpoint, LoRAs and ControlNet: a character led by a driving video, any length at flat memory, cancelled runs go on.",
            search_aliases=["animatediff", "animate diff", "sd15 animation", "openpose animation", "stylised dance", "long video"],
            inputs=[
                io.Model.Input("model", tooltip="SD1.5 or SDXL from any loader, with LoRAs. One that AnimateDiff-Evolved has prepared is taken as it is."),
                io.Vae.Input("vae", tooltip="The checkpoint's own VAE, or one of its kind."),
                io.Conditioning.Input("positive", tooltip="The character, the clothes and the scene in words."),
                io.Conditioning.Input("negative", tooltip="What is to be avoided."),
                io.ControlNet.Input("control_net", tooltip="An OpenPose ControlNet of the MODEL's base, such as control_v11p_sd15_openpose."),
                io.Image.Input("character", tooltip="Picture of the character; the first of a batch. Its shape gives the video's."),
                io.MultiType.Input("driving", types=[io.Video, MotionWire], tooltip="The driving video, or a motion extracted from one before."),
                io.Combo.Input("motion_module", options=[FROM_WIRE, *motion_module_files()], default=FROM_WIRE, tooltip=_MODULE_TIP),
                io.Combo.Input("resolution", options=list(RESOLUTIONS), default="480p", tooltip="Short side of the result; never enlarged. 480p is what SD1.5 knows, 720p and more what SDXL knows."),
                *(setting_input(_OPTIONS[name]) for name in SAMPLING),
                io.Combo.Input("sampler_name", options=comfy.samplers.KSampler.SAMPLERS, default="euler", tooltip="euler is steady; lcm with an LCM LoRA."),
                io.Combo.Input("scheduler", options=comfy.samplers.KSampler.SCHEDULERS, default="normal", tooltip="normal or karras; sgm_uniform with lcm."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=True, tooltip="All noise is drawn from this number."),
                *(setting_input(_OPTIONS[name]) for name in SHAPING),
                io.Combo.Input("quality", options=list(QUALITY_WORDS), default="High", tooltip="High, Medium, Low: H.264. Lossless: FFV1 in MKV."),
                io.Boolean.Input("also_images", default=False, advanced=True, tooltip="Give the whole clip as IMAGE too: 12 bytes a pixel in memory, 0.6 GB for 160 frames of 480p."),
                io.Sampler.Input("sampler", optional=True, tooltip="Your own sampler in place of sampler_name."),
                io.Sigmas.Input("sigmas", optional=True, tooltip="Your own steps in place of scheduler, steps and denoise."),
            ],
            outputs=wired_outputs("Sections, seams and windows, and what was noticed on the way (JSON)."),
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        model: Any,
        vae: Any,
        positive: Any,
        negative: Any,
        control_net: Any,
        character: Input.Image,
        driving: Any,
        motion_module: str,
        resolution: str,
        sampler_name: str,
        scheduler: str,
        seed: int,
        quality: str,
        also_images: bool,
        sampler: Any = None,
        sigmas: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from .animate_diff_backend import ComfyAnimateBackend, Sampling
        from .animate_diff_identity import ask_for_identity
        from .animate_diff_model import load_motion_module

        job = wired_job(
            "AnimateDiff", "animate-diff", settings, character, driving, seed=seed, quality=quality,
            resolution=resolution,
        )  # fmt: skip
        sampling = Sampling(
            settings["steps"], settings["guidance"], settings["denoise"], sampler_name, scheduler, sampler, sigmas,
            settings["pose_strength"], settings["reference_strength"], settings["identity"],
        )  # fmt: skip
        AnimateDiffSettings.from_plain(settings)  # refused before anything is loaded
        module = None if motion_module == FROM_WIRE else load_motion_module(motion_module_path(motion_module))
        backend = ComfyAnimateBackend(
            model, vae, positive, negative, control_net, sampling,
            module=module, motion_scale=settings["motion_scale"],
        )  # fmt: skip

        def identity_is_there(host: Any) -> None:
            if settings["reference_strength"] > 0:
                ask_for_identity(settings["identity"], host)

        return wired_transfer(
            "AnimateDiff (Long Video)", job, BACKEND, backend, also_images=also_images, before=identity_is_there
        )
