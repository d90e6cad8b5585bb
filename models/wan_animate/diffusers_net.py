"""Wan-Animate's transformer, told once what does not change while a window is denoised.

Keys and values of text, reference picture and face, and everything that is made of the time alone, depend on the
prompt, the picture, the driver's face and the schedule, never on the latent. `OnceOnly` takes those weights out of
diffusers' network (a quarter of it), computes their results with the same operations in the same shapes, and can
let them go. What is left, `CachedWanAnimate`, is run in the loop; its blocks, norms and feed-forwards are diffusers'
own modules.

Letters: B batch (1), L tokens, F latent frames with the reference slot, N 5 keys a frame, H heads, D head size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.transformers.transformer_wan_animate import WanAnimateTransformer3DModel
from torch import nn

from .diffusers_stream import BlockStream


@dataclass(frozen=True)
class CrossKeys:
    """What one block attends to beside itself: `[B,512,H,D]` of the text, `[B,257,H,D]` of the picture or None."""

    text_key: torch.Tensor
    text_value: torch.Tensor
    picture_key: torch.Tensor | None
    picture_value: torch.Tensor | None


@dataclass(frozen=True)
class FaceKeys:
    """`[F,N,H,D]` of one face block: every latent frame sees its own keys only."""

    key: torch.Tensor
    value: torch.Tensor


@dataclass(frozen=True)
class Time:
    """`[B,C]` for the head and `[B,6,C]` for the blocks, of one timestep."""

    embedding: torch.Tensor
    projection: torch.Tensor


class _CrossFromKeys:
    """Attention processor of `attn2`; takes CrossKeys in place of the encoder's hidden states."""

    _attention_backend: Any = None
    _parallel_config: Any = None

    def __call__(self, attn: Any, hidden: torch.Tensor, keys: CrossKeys, *_: object) -> torch.Tensor:
        query = attn.norm_q(attn.to_q(hidden)).unflatten(2, (attn.heads, -1))
        text = self._attend(query, keys.text_key, keys.text_value)
        if keys.picture_key is not None and keys.picture_value is not None:
            text = text + self._attend(query, keys.picture_key, keys.picture_value)
        return attn.to_out[1](attn.to_out[0](text))

    def _attend(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        out = dispatch_attention_fn(query, key, value, backend=self._attention_backend)
        return out.flatten(2, 3).type_as(query)


class _FaceFromKeys:
    """Attention processor of a face block; takes FaceKeys in place of the motion."""

    _attention_backend: Any = None
    _parallel_config: Any = None

    def __call__(self, attn: Any, hidden: torch.Tensor, keys: FaceKeys, *_: object) -> torch.Tensor:
        frames = keys.key.shape[0]
        query = attn.norm_q(attn.to_q(attn.pre_norm_q(hidden)).unflatten(2, (attn.heads, -1)))
        query = query.unflatten(1, (frames, -1)).flatten(0, 1)  # B F*L' H D -> F L' H D
        out = dispatch_attention_fn(query, keys.key, keys.value, backend=self._attention_backend)
        out = out.flatten(2, 3).type_as(query)
        return attn.to_out(out.unflatten(0, (1, frames)).flatten(1, 2))


class CachedWanAnimate(WanAnimateTransformer3DModel):
    """diffusers' network whose forward takes what OnceOnly made; batch 1."""

    stream: BlockStream | None = None
    """Where the blocks do not live on the device."""

    def forward(  # type: ignore[override]
        self,
        latent: torch.Tensor,
        time: Time,
        cross: Sequence[CrossKeys],
        pose: torch.Tensor,
        face: Sequence[FaceKeys] | None,
        pose_strength: float = 1.0,
    ) -> torch.Tensor:
        """Velocity `[B,16,F,h,w]` of noise and condition `[B,36,F,h,w]`; pose `[B,16,F-1,h,w]`; face None = not told."""
        _, _, frames, height, width = latent.shape
        rotary = self.rope(latent)
        x = self.patch_embedding(latent)
        steered = self.pose_patch_embedding(pose)
        x[:, :, 1:] = x[:, :, 1:] + (steered if pose_strength == 1 else steered * pose_strength)
        x = x.flatten(2).transpose(1, 2).contiguous()  # B C F h w -> B L C
        every = self.config["inject_face_latents_blocks"]
        for i, block in enumerate(self.blocks):
            if self.stream is not None:
                self.stream.before(i)
            x = block(x, cross[i], time.projection, rotary)
            if self.stream is not None:
                self.stream.after(i)
            if face is not None and i % every == 0 and i // every < len(face):
                x = self.face_adapter[i // every](x, face[i // every]) + x
        shift, scale = (self.scale_shift_table + time.embedding.unsqueeze(1)).chunk(2, dim=1)
        x = self.proj_out((self.norm_out(x.float()) * (1 + scale) + shift).type_as(x))
        x = x.reshape(1, frames, height // 2, width // 2, 1, 2, 2, -1)
        return x.permute(0, 7, 1, 4, 2, 5, 3, 6).flatten(6, 7).flatten(4, 5).flatten(2, 3)


class OnceOnly:
    """The weights that the loop does not need. They lie on the CPU and visit the device for the moment of their use."""

    def __init__(self, net: CachedWanAnimate, device: torch.device) -> None:
        """Takes them out of `net`, which from then on runs on what is made here."""
        self.device = device
        self.dtype = net.patch_embedding.weight.dtype
        self.heads = int(net.config["num_attention_heads"])
        self.embedder: Any = net.condition_embedder
        self.face_encoder: Any = net.face_encoder
        self.takes_picture = self.embedder.image_embedder is not None
        self.cross_parts: list[dict[str, nn.Module]] | None = []
        self.face_parts: list[dict[str, nn.Module]] = []
        _taken(net, ("condition_embedder", "face_encoder"))
        block: Any
        adapter: Any
        for block in net.blocks:
            attn = block.attn2
            picture = ("add_k_proj", "add_v_proj", "norm_added_k") if self.takes_picture else ()
            self.cross_parts.append(_taken(attn, ("to_k", "to_v", "norm_k", *picture)))
            attn.set_processor(_CrossFromKeys())
        for adapter in net.face_adapter:
            self.face_parts.append(_taken(adapter, ("pre_norm_kv", "to_k", "to_v", "norm_k")))
            adapter.set_processor(_FaceFromKeys())

    @torch.no_grad()
    def cross(self, text: torch.Tensor, picture: torch.Tensor | None) -> list[CrossKeys]:
        """Of a prompt `[1,512,4096]`, zeros after its end, and CLIP's view of the reference `[1,257,1280]`."""
        if self.cross_parts is None or self.embedder is None:
            raise RuntimeError("the weights for prompts were let go; open the model again for another prompt")
        with _visiting(self.device, self.embedder):
            text = self.embedder.text_embedder(text.to(self.device, self.dtype))
            if picture is not None and self.takes_picture:
                picture = self.embedder.image_embedder(picture.to(self.device, self.dtype))
        made = []
        for part in self.cross_parts:
            with _visiting(self.device, *part.values()):
                key, value = part["norm_k"](part["to_k"](text)), part["to_v"](text)
                seen: list[torch.Tensor | None] = [None, None]
                if picture is not None and self.takes_picture:
                    shown = part["norm_added_k"](part["add_k_proj"](picture)), part["add_v_proj"](picture)
                    seen = [self._heads(t) for t in shown]
            made.append(CrossKeys(self._heads(key), self._heads(value), *seen))
        return made

    @torch.no_grad()
    def times(self, timesteps: torch.Tensor) -> list[Time]:
        """Of int64 timesteps 0..1000, one each; a batch of them would round otherwise."""
        if self.embedder is None:
            raise RuntimeError("the weights for time were let go; open the model again for another schedule")
        embedder, made = self.embedder, []
        with _visiting(self.device, embedder):
            wide = embedder.time_embedder.linear_1.weight.dtype
            for step in timesteps.to(self.device):
                angles = embedder.timesteps_proj(step[None]).to(wide)
                embedding = embedder.time_embedder(angles).to(self.dtype)
                projection = embedder.time_proj(embedder.act_fn(embedding)).unflatten(1, (6, -1))
                made.append(Time(embedding, projection))
        return made

    @torch.no_grad()
    def faces(self, vectors: torch.Tensor) -> list[FaceKeys]:
        """Of motion vectors `[1,n,512]`, n = 4 (F - 2) + 1; the reference slot in front has no face."""
        with _visiting(self.device, self.face_encoder):
            tokens = self.face_encoder(vectors.to(self.device, self.dtype))  # B F-1 N C
        tokens = torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1)
        frames = tokens.shape[1]
        made = []
        for part in self.face_parts:
            with _visiting(self.device, *part.values()):
                motion = part["pre_norm_kv"](tokens).flatten(1, 2)
                key, value = (part[n](motion).view(frames, -1, self.heads, self._head_size) for n in ("to_k", "to_v"))
                made.append(FaceKeys(part["norm_k"](key), value))
        return made

    def drop(self) -> int:
        """Lets go what only prompt, picture and schedule needed; how many parameters that were. Faces can go on."""
        gone = [*self.embedder.parameters()] if self.embedder is not None else []
        gone += [p for part in self.cross_parts or [] for m in part.values() for p in m.parameters()]
        self.embedder = self.cross_parts = None
        return sum(p.numel() for p in gone)

    def _heads(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1))

    @property
    def _head_size(self) -> int:
        return int(self.face_encoder.out_proj.out_features) // self.heads


def _taken(module: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    taken = {name: getattr(module, name) for name in names}
    for name in names:
        setattr(module, name, None)
    return taken


@contextmanager
def _visiting(device: torch.device, *modules: nn.Module) -> Iterator[None]:
    """The modules on the device for the length of a `with`, then back where they were."""
    homes = [next((p.device for p in m.parameters()), device) for m in modules]
    for module in modules:
        module.to(device)
    try:
        yield
    finally:
        for module, home in zip(modules, homes, strict=True):
            module.to(home)
