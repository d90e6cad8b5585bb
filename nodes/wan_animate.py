"""Wan-Animate (Long Video): the models of the wires, any length, resumed, with the driving video's sound."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import Input, io

from ..core import RESOLUTIONS
from ..models.wan_animate.spec import BACKEND, WanAnimateSettings
from .engine_inputs import setting_input
from .motion_transfer import QUALITY_WORDS
from .places import driver_mask_file
from .wired_transfer import wired_job, wired_outputs, wired_transfer
from .wires import CATEGORY, MotionWire

ENGINES = {"move": "wan-animate", "replace": "wan-animate-replace"}
SAMPLING = ("steps", "guidance", "shift")
SHAPING = ("face_strength", "pose_strength", "driving_smooth", "retarget", "drift_lock", "window", "overlap", "tail", "fit", "mask_grow", "mask_blocks")  # fmt: skip
"""The engine's settings that the wires do not decide; prompts, LoRAs and dtype come with the models."""
_OPTIONS = {o.name: o for o in WanAnimateSettings.options()}


class WanAnimate(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        import comfy.samplers

        return io.Schema(
            node_id="MT_WanAnimate",
            display_name="Wan-Animate (Long Video)",
            category=CATEGORY,
            description="Wan2.2-Animate on your own loaders, LoRAs and sampler: any length at flat memory, colours locked, cancelled runs go on.",
            search_aliases=["wan animate", "wan 2.2 animate", "character replacement", "move", "mix", "long video", "animate anyone"],
            inputs=[
                io.Model.Input("model", tooltip="Wan2.2-Animate-14B from any loader: bf16, fp8, GGUF, with LoRAs."),
                io.Vae.Input("vae", tooltip="Wan 2.1's VAE (wan_2.1_vae.safetensors)."),
                io.Conditioning.Input("positive", tooltip="What is to be seen, from umT5; a plain sentence about the person is enough."),
                io.Conditioning.Input("negative", tooltip="What is to be avoided; only counts with guidance above 1."),
                io.Image.Input("character", tooltip="Picture of the character; the first of a batch."),
                io.MultiType.Input("driving", types=[io.Video, MotionWire], tooltip="The driving video, or a motion extracted from one before. Replacing needs the video's file to be there still."),
                io.Combo.Input("mode", options=list(ENGINES), default="move", tooltip="move: the character's picture comes alive. replace: the character takes the driver's place in the driving video."),
                io.Combo.Input("resolution", options=list(RESOLUTIONS), default="480p", tooltip="Short side of the result; never enlarged. 480p and 720p are what the model knows."),
                *(setting_input(_OPTIONS[name]) for name in SAMPLING),
                io.Combo.Input("sampler_name", options=comfy.samplers.KSampler.SAMPLERS, default="uni_pc", tooltip="uni_pc is the original's; euler does well with distilled LoRAs."),
                io.Combo.Input("scheduler", options=comfy.samplers.KSampler.SCHEDULERS, default="simple", tooltip="simple with shift 5 gives the original's steps."),
                io.Int.Input("seed", default=0, min=0, max=2**53 - 1, control_after_generate=True, tooltip="Noise of every window is drawn from this number and the window's."),
                *(setting_input(_OPTIONS[name]) for name in SHAPING),
                io.Combo.Input("quality", options=list(QUALITY_WORDS), default="High", tooltip="High, Medium, Low: H.264. Lossless: FFV1 in MKV."),
                io.Boolean.Input("also_images", default=False, advanced=True, tooltip="Give the whole clip as IMAGE too: 12 bytes a pixel in memory, 1.2 GB for 81 frames of 720p."),
                io.ClipVisionOutput.Input("clip_vision_output", optional=True, tooltip="The character seen by CLIP ViT-H, crop 'none'. Without it likeness is weaker."),
                io.Mask.Input("driver_mask", optional=True, tooltip="Replacing: white where the driver is, one for every frame or one for all. Without it the motion's person is segmented."),
                io.Sampler.Input("sampler", optional=True, tooltip="Your own sampler in place of sampler_name."),
                io.Sigmas.Input("sigmas", optional=True, tooltip="Your own steps in place of scheduler, steps and shift."),
            ],
            outputs=wired_outputs("Windows, drift and seams as measured, and what was noticed on the way (JSON)."),
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        model: Any,
        vae: Any,
        positive: Any,
        negative: Any,
        character: Input.Image,
        driving: Any,
        mode: str,
        resolution: str,
        sampler_name: str,
        scheduler: str,
        seed: int,
        quality: str,
        also_images: bool,
        clip_vision_output: Any = None,
        driver_mask: Input.Mask | None = None,
        sampler: Any = None,
        sigmas: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from .wan_backend import ComfyWanBackend, Sampling

        job = wired_job(
            "Wan-Animate", ENGINES[mode], settings, character, driving, seed=seed, quality=quality,
            resolution=resolution, driving_mask=None if driver_mask is None else driver_mask_file(driver_mask),
        )  # fmt: skip
        sampling = Sampling(
            settings["steps"], settings["guidance"], settings["shift"], sampler_name, scheduler, sampler, sigmas
        )
        backend = ComfyWanBackend(model, vae, positive, negative, sampling, clip_vision_output=clip_vision_output)
        return wired_transfer("Wan-Animate (Long Video)", job, BACKEND, backend, also_images=also_images)
