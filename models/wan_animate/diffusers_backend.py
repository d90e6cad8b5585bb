"""Wan-Animate on diffusers' classes: the WanBackend of everything outside ComfyUI.

Things are loaded when they are first asked for and in the order that keeps memory low: text and CLIP come and go,
the transformer comes last. Of it only what the loop needs goes to the device; see `diffusers_net`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import __version__ as diffusers_version

from ...core import Host, UsageError
from ...face_motion.lmd_encoder import LmdEncoder
from .backend import OnStep, WindowCondition
from .diffusers_encoders import embed_picture, embed_prompts, release
from .diffusers_files import face_tensors, load_transformer, load_vae
from .diffusers_lora import add_lora
from .diffusers_net import CachedWanAnimate, CrossKeys, FaceKeys, OnceOnly, Time
from .diffusers_solver import make_solver
from .diffusers_stream import VISITORS, BlockStream
from .weights import find_weights, is_diffusers_folder

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_SAMPLE_BYTES = 8 << 30
"""What 'auto' leaves free beside the network: activations of a window of 77 frames at 1280x720."""
_LOOK_BYTES = 1 << 16


@dataclass(frozen=True)
class Parts:
    """Where the pieces of the model lie."""

    transformer: Path
    """A diffusers repository folder, a folder of shards, or one file in the official layout."""
    vae: Path
    text: Path | None
    tokenizer: Path | None
    """None: beside the text encoder, or inside its file."""
    clip_vision: Path | None
    """None: the transformer is not shown the reference by way of CLIP."""
    loras: tuple[tuple[Path, float], ...] = ()
    """(file, strength), added in this order."""


@dataclass(frozen=True)
class Choices:
    """What the run wants of the network."""

    prompt: str
    negative: str = ""
    steps: int = 20
    guidance: float = 1.0
    shift: float = 5.0
    solver: str = "unipc"
    dtype: str = "bf16"
    offload: str = "auto"
    """'none': all of it on the device; 'group': every block visits from RAM; 'auto': those that do not fit."""
    tile_vae: bool = False
    drop_projected_weights: bool = True
    """Lets a quarter of the network go once prompt, picture and schedule are projected; no pixel changes."""


def open_diffusers_backend(settings: Any, host: Host) -> DiffusersBackend:
    """With the files that `host` finds, for `WanAnimateSettings`; reads little until it is used.

    Raises MissingWeights for the first file that is not there.
    """
    paths = find_weights(host, relight_lora=settings.relight_lora, distill_lora=settings.distill_lora)
    wanted = (("relight_lora", 1.0), ("distill_lora", settings.distill_strength))
    loras = tuple((paths[role], strength) for role, strength in wanted if role in paths)
    choices = Choices(
        prompt=settings.full_prompt,
        negative=settings.full_negative,
        steps=settings.steps,
        guidance=settings.guidance,
        shift=settings.shift,
        solver=settings.solver,
        dtype=settings.dtype,
        offload=settings.offload,
        tile_vae=settings.tile_vae,
    )
    return DiffusersBackend(parts_of(paths, loras), choices, host.device, host.note)


def parts_of(paths: Mapping[str, Path], loras: tuple[tuple[Path, float], ...] = ()) -> Parts:
    """From role -> path, where a diffusers repository stands for all roles."""
    root = paths["transformer"]
    if is_diffusers_folder(root):
        return Parts(root, root / "vae", root / "text_encoder", root / "tokenizer", root / "image_encoder", loras)
    return Parts(root, paths["vae"], paths.get("text"), None, paths.get("clip_vision"), loras)


class DiffusersBackend:
    """See `WanBackend`. `embeddings` (prompt, negative) `[1,512,4096]` take the place of the text encoder."""

    def __init__(
        self,
        parts: Parts,
        choices: Choices,
        device: str = "cpu",
        note: Callable[[str], None] = lambda message: None,
        embeddings: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> None:
        if choices.guidance < 1:
            raise UsageError(f"Guidance is 1 or more, not {choices.guidance:g}; 1 is as trained.")
        if embeddings is None and parts.text is None:
            raise UsageError("A prompt needs the umT5 text encoder, and no file of it was given.")
        self.parts, self.choices, self.device, self._note = parts, choices, torch.device(device), note
        self.dtype = _computing_dtype(choices.dtype, self.device, note)
        self._embeddings = embeddings
        self._picture: torch.Tensor | None = None
        self._net: CachedWanAnimate | None = None
        self._once: OnceOnly | None = None
        self._cross: list[list[CrossKeys]] | None = None
        self._times: list[Time] = []
        self._vae: Any = None
        self._encoder: LmdEncoder | None = None
        self._no_face: torch.Tensor | None = None
        self.fingerprint = self._identity()

    def look_at(self, picture: np.ndarray) -> None:
        if self._cross is not None:
            self._net = self._once = self._cross = None  # projected for another picture
            release(self.device)
        if self.parts.clip_vision is not None:
            self._picture = embed_picture(picture, self.parts.clip_vision, self.device)

    def face_weights(self) -> Mapping[str, torch.Tensor]:
        return face_tensors(self.parts.transformer)

    @torch.no_grad()
    def encode(self, frames: np.ndarray) -> torch.Tensor:
        vae = self._ready_vae()
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(self.device)
        pixels = pixels.float() / 127.5 - 1 if pixels.dtype == torch.uint8 else pixels.float() * 2 - 1
        pixels = pixels.permute(3, 0, 1, 2)[None]  # n H W C -> 1 C n H W
        mean, std = _latent_scale(vae)
        latent = vae.encode(pixels.to(vae.dtype)).latent_dist.mode().float().cpu()
        return ((latent - mean) / std)[0]

    @torch.no_grad()
    def decode(self, latent: torch.Tensor) -> np.ndarray:
        vae = self._ready_vae()
        mean, std = _latent_scale(vae)
        raw = (latent[None].float().cpu() * std + mean).to(self.device, vae.dtype)
        pixels = vae.decode(raw, return_dict=False)[0][0].float()
        return (pixels / 2 + 0.5).clamp_(0, 1).permute(1, 2, 3, 0).cpu().numpy()  # C n H W -> n H W C

    @torch.no_grad()
    def sample(self, condition: WindowCondition, noise: torch.Tensor, seed: int, on_step: OnStep) -> torch.Tensor:
        """As the protocol says; both solvers are deterministic, so `seed` has nothing to do."""
        net, cross = self._ready_net()
        known = condition.known[None].to(self.device)
        pose = condition.pose[None].to(self.device, self.dtype)
        faces = self._faces(condition.face_codes, noise.shape[1])
        solver = make_solver(self.choices.solver, self.choices.steps, self.choices.shift)
        latent = noise[None].to(self.device, torch.float32)
        for i, timestep in enumerate(solver.timesteps):
            told = torch.cat([latent, known], dim=1).to(self.dtype)

            def velocity(side: int, told: torch.Tensor = told, time: Time = self._times[i]) -> torch.Tensor:
                return net(told, time, cross[side], pose, faces[side], condition.pose_strength).float()

            change = velocity(0)
            if self.choices.guidance > 1:
                without = velocity(1)
                change = without + self.choices.guidance * (change - without)
            latent = solver.step(change, timestep, latent, return_dict=False)[0]
            on_step(i + 1, self.choices.steps, None)
        return latent[0].float().cpu()

    def _faces(self, codes: torch.Tensor | None, num_slots: int) -> list[list[FaceKeys] | None]:
        """[as driven, as guidance runs away from it]."""
        if codes is None or self._once is None:
            return [None, None]
        frames = 4 * (num_slots - 2) + 1
        encoder = self._ready_encoder()
        if codes.shape != (frames, encoder.num_codes):
            raise UsageError(f"{num_slots} latent slots take face codes [{frames},{encoder.num_codes}], not {list(codes.shape)}.")  # fmt: skip
        driven = self._once.faces(encoder.vectors(codes.float().cpu())[None])
        if self.choices.guidance <= 1:
            return [driven, None]
        if self._no_face is None:
            self._no_face = torch.from_numpy(encoder.no_face())
        return [driven, self._once.faces(encoder.vectors(self._no_face.expand(frames, -1))[None])]

    def _ready_encoder(self) -> LmdEncoder:
        if self._encoder is None:
            self._encoder = LmdEncoder(self.face_weights())
        return self._encoder

    def _ready_vae(self) -> Any:
        if self._vae is None:
            # float32 whatever the network computes in: every window's end goes through it again.
            vae: Any = load_vae(self.parts.vae, torch.float32)
            self._vae = vae.to(self.device)
            if self.choices.tile_vae:
                self._vae.enable_tiling()
        return self._vae

    def _ready_net(self) -> tuple[CachedWanAnimate, list[list[CrossKeys]]]:
        """The network in its place, and what it attends to: [prompt, negative prompt]."""
        if self._net is not None and self._cross is not None:
            return self._net, self._cross
        prompts = self._prompts()
        net = load_transformer(self.parts.transformer, self.dtype)
        for path, strength in self.parts.loras:  # before anything is projected: they change keys and values too
            self._note(f"LoRA {add_lora(net, path, strength)}")
        once = OnceOnly(net, self.device)
        cross = [once.cross(prompt, self._picture) for prompt in prompts]
        self._times = once.times(make_solver(self.choices.solver, self.choices.steps, self.choices.shift).timesteps)
        if self.choices.drop_projected_weights:
            once.drop()
        self._place(net)
        self._net, self._once, self._cross = net, once, cross
        return net, cross

    def _prompts(self) -> list[torch.Tensor]:
        count = 2 if self.choices.guidance > 1 else 1
        if self._embeddings is None:
            assert self.parts.text is not None
            texts = [self.choices.prompt, self.choices.negative][:count]
            made = embed_prompts(texts, self.parts.text, self.parts.tokenizer, self._text_device(), self.dtype)
            self._embeddings = made[0], made[-1]
        return list(self._embeddings[:count])

    def _text_device(self) -> torch.device:
        """The device if the text encoder fits beside what is there."""
        if self.device.type != "cuda" or self.parts.text is None:
            return self.device
        size = sum(f.stat().st_size for f in ([self.parts.text] if self.parts.text.is_file() else self.parts.text.glob("*.safetensors")))  # fmt: skip
        return self.device if torch.cuda.mem_get_info(self.device)[0] > 2 * size + (1 << 30) else torch.device("cpu")

    def _place(self, net: Any) -> None:
        """On the device, or with those of its blocks in RAM that do not fit beside a window."""
        blocks = list(net.blocks)
        resident = len(blocks) if self.choices.offload == "none" else 0
        if self.choices.offload == "auto":
            resident = len(blocks)
            if self.device.type == "cuda":
                free = torch.cuda.mem_get_info(self.device)[0] - _SAMPLE_BYTES
                resident = num_resident(_num_bytes(net), _num_bytes(blocks[0]), len(blocks), free)
        if resident == len(blocks):
            net.to(self.device)
            return
        for name, part in net.named_children():
            if name != "blocks":
                part.to(self.device)
        net.scale_shift_table.data = net.scale_shift_table.data.to(self.device)
        net.stream = BlockStream(blocks, self.device, resident)
        self._note(f"{len(blocks) - resident} of {len(blocks)} blocks stay in RAM and visit the {self.device.type} device in turn.")  # fmt: skip

    def _identity(self) -> str:
        chosen, parts = self.choices, self.parts
        told = [chosen.prompt, chosen.negative if chosen.guidance > 1 else ""]
        if self._embeddings is not None:
            told = [hashlib.sha256(e.float().cpu().numpy().tobytes()).hexdigest() for e in self._embeddings]
        files = [parts.transformer, parts.vae, parts.text, parts.clip_vision, *(p for p, _ in parts.loras)]
        facts = {
            "diffusers": diffusers_version,
            "device": self.device.type,
            "dtype": str(self.dtype),
            "told": told,
            "files": [quick_hash(p) if p is not None else "" for p in files],
            "loras": [strength for _, strength in parts.loras],
            "sampler": [chosen.solver, chosen.steps, chosen.guidance, chosen.shift],
            "tiled": chosen.tile_vae,
        }
        return "diffusers/" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def quick_hash(path: Path) -> str:
    """Of names, sizes and three short looks into every weight file: tells files apart without reading gigabytes."""
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name}\n{size}\n".encode())
        with file.open("rb") as stream:
            for start in (0, size // 2, max(0, size - _LOOK_BYTES)):
                stream.seek(start)
                digest.update(stream.read(_LOOK_BYTES))
    return digest.hexdigest()[:32]


def num_resident(whole_bytes: int, block_bytes: int, num_blocks: int, free_bytes: int) -> int:
    """How many blocks can live on a device with `free_bytes` for the network; the others need room to visit."""
    if whole_bytes <= free_bytes:
        return num_blocks
    rest = whole_bytes - num_blocks * block_bytes
    return max(0, min(num_blocks, (free_bytes - rest) // block_bytes - VISITORS))


def _num_bytes(module: Any) -> int:
    return sum(p.numel() * p.element_size() for p in module.parameters())


def _computing_dtype(name: str, device: torch.device, note: Callable[[str], None]) -> torch.dtype:
    if name not in DTYPES:
        raise UsageError(f"There is no dtype {name!r}; there are {', '.join(DTYPES)}.")
    if name == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        note("This GPU has no bf16: fp16 is used.")
        return torch.float16
    return DTYPES[name]


def _latent_scale(vae: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.tensor(v).view(1, -1, 1, 1, 1) for v in (vae.config.latents_mean, vae.config.latents_std))  # type: ignore[return-value]
