"""LivePortrait's seven networks behind five verbs: numpy in, numpy out, many frames at a time.

A source is seen once (`appearance`); each frame afterwards costs W and G alone. The networks live where they are put
(`to`); what a verb keeps between calls lives there too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from ...face_motion.kept_memory import KeptMemory
from ...face_motion.portrait_motion import PortraitMotion, degrees_from_bins, rotation_from_degrees
from .appearance_net import AppearanceNet
from .generator_net import GeneratorNet
from .layout import APPEARANCE, EYE, GENERATOR, LIP, MOTION, POINT_VALUES, STITCHING, WARPING
from .motion_net import MotionNet, SmallNet
from .warping_net import WarpingNet, WarpSource

SIDE_IN, SIDE_OUT = 256, 512


def cpu_has_bfloat16() -> bool:
    """Without such instructions bfloat16 is several times slower than float32, not faster."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # torch has no public question
    except (AttributeError, RuntimeError):
        return False


class PortraitNetworks(nn.Module):
    """F, M, W, G, S, R_lip and R_eye from tensors as `load.load` gives them.

    `dtype` is that of W's and G's convolutions: float32 equals the official networks to rounding; bfloat16 and
    float16 are faster where the machine has them. In bfloat16 W stays float32, for it is too coarse to move a picture
    by. Places, shares, key points and F, M and the small networks are float32 always. Where float16 gives no numbers,
    as on some cards, both go on in float32, and `note` is called once with a line that says so. `at_once` frames go through W and G together; None = 1 on a processor, where more gain nothing,
    8 elsewhere.
    """

    def __init__(
        self,
        tensors: Mapping[str, Mapping[str, Tensor]],
        dtype: torch.dtype = torch.float32,
        at_once: int | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self.at_once, self._note = at_once, note
        self.appearance_net = AppearanceNet(tensors[APPEARANCE])
        self.motion_net = MotionNet(tensors[MOTION])
        memory = KeptMemory()  # of both, since they take turns
        self.warping_net = WarpingNet(tensors[WARPING], torch.float32 if dtype == torch.bfloat16 else dtype, memory)
        self.generator_net = GeneratorNet(tensors[GENERATOR], dtype, memory)
        self.small = nn.ModuleDict({name: SmallNet(tensors[name]) for name in (STITCHING, LIP, EYE)})
        self.requires_grad_(False).eval()

    @property
    def device(self) -> torch.device:
        return self.warping_net.compress.device

    @torch.inference_mode()
    def appearance(self, images: np.ndarray) -> WarpSource:
        """A source, ready to be moved: uint8 `[256,256,3]`, or `[n,256,256,3]` for one source of each frame."""
        images = images if np.ndim(images) == 4 else np.asarray(images)[None]
        volumes = [self.appearance_net(self._pixels(images[i : i + 1])) for i in range(len(images))]
        return self.warping_net.prepare(torch.cat(volumes))

    @torch.inference_mode()
    def motion(self, images: np.ndarray) -> tuple[PortraitMotion, np.ndarray]:
        """What the heads of uint8 `[n,256,256,3]` do, and their key points at rest, float32 `[n,21,3]`."""
        heads: dict[str, list[np.ndarray]] = {}
        step = self._step() if self.device.type == "cpu" else 32
        for start in range(0, len(images), step):
            for name, value in self.motion_net(self._pixels(images[start : start + step])).items():
                heads.setdefault(name, []).append(value.cpu().numpy())
        values = {name: np.concatenate(parts) for name, parts in heads.items()}
        angles = (degrees_from_bins(values[name]) for name in ("pitch", "yaw", "roll"))
        motion = PortraitMotion(
            scale=values["scale"],
            rotation=rotation_from_degrees(*angles),
            expression=values["exp"].reshape(-1, POINT_VALUES // 3, 3),
            translation=values["t"],
        )
        return motion, values["kp"].reshape(-1, POINT_VALUES // 3, 3)

    @torch.inference_mode()
    def render(self, source: WarpSource, x_s: np.ndarray, x_d: np.ndarray, *, as_float: bool = False) -> np.ndarray:
        """Pictures `[n,512,512,3]` of the source moved from key points `x_s` to `x_d` `[n,21,3]`.

        `x_s` is `[21,3]` or `[n,21,3]`. uint8, rounded; with `as_float` float32 in 0..1.
        """
        to_points, count = self._points(x_d), len(x_d)
        from_points = self._points(x_s).expand(count, -1, -1)
        if len(source.volume) not in (1, count):
            raise ValueError(f"{len(source.volume)} sources for {count} frames; one, or one of each frame, would do")
        out = np.empty((count, SIDE_OUT, SIDE_OUT, 3), np.float32 if as_float else np.uint8)
        for start in range(0, count, self._step()):
            now = slice(start, min(start + self._step(), count))
            picture = self._picture(_of_frames(source, now), from_points[now], to_points[now])
            if not as_float:
                picture = (picture * 255).round_().to(torch.uint8)
            out[now] = picture.cpu().numpy()
        return out

    def _picture(self, source: WarpSource, x_s: Tensor, x_d: Tensor) -> Tensor:
        """float32 `[B,512,512,3]`."""
        picture = self.generator_net(self.warping_net(source, x_s, x_d))
        if self.generator_net.dtype == torch.float16 and not torch.isfinite(picture).all():
            for net in (self.warping_net, self.generator_net):
                net.float().dtype = torch.float32
            if self._note is not None:
                self._note("This machine's half precision gives no picture; LivePortrait goes on in float32.")
            picture = self.generator_net(self.warping_net(source, x_s, x_d))
        return picture.permute(0, 2, 3, 1)

    def stitch(self, x_s: np.ndarray, x_d: np.ndarray) -> np.ndarray:
        """`x_d` `[n,21,3]`, corrected so that shoulders and neck stay where the source `x_s` has them."""
        change = self._small(STITCHING, x_s, np.asarray(x_d, np.float32).reshape(len(x_d), -1))
        out = x_d + change[:, :POINT_VALUES].reshape(-1, POINT_VALUES // 3, 3)
        out[..., :2] += change[:, None, POINT_VALUES:]
        return out.astype(np.float32)

    def retarget_lip(self, x_s: np.ndarray, ratios: np.ndarray) -> np.ndarray:
        """What to add to key points, float32 `[n,21,3]`; `ratios` `[n,2]`: the source's opening and the wanted one."""
        return self._small(LIP, x_s, ratios).reshape(-1, POINT_VALUES // 3, 3)

    def retarget_eye(self, x_s: np.ndarray, ratios: np.ndarray) -> np.ndarray:
        """What to add to key points, float32 `[n,21,3]`; `ratios` `[n,3]`: the source's two eyes and the wanted one."""
        return self._small(EYE, x_s, ratios).reshape(-1, POINT_VALUES // 3, 3)

    @torch.inference_mode()
    def _small(self, name: str, x_s: np.ndarray, rest: np.ndarray) -> np.ndarray:
        others = torch.as_tensor(np.asarray(rest, np.float32), device=self.device)
        points = self._points(x_s).flatten(1).expand(len(others), -1)
        return self.small[name](torch.cat([points, others], 1)).cpu().numpy()

    def _points(self, points: np.ndarray) -> Tensor:
        array = np.ascontiguousarray(points, np.float32).reshape(-1, POINT_VALUES // 3, 3)
        return torch.as_tensor(array, device=self.device)

    def _pixels(self, images: np.ndarray) -> Tensor:
        """uint8 `[n,256,256,3]` -> float32 `[n,3,256,256]` in 0..1."""
        if images.dtype != np.uint8 or images.shape[1:] != (SIDE_IN, SIDE_IN, 3):
            raise ValueError(f"faces are uint8 [n,{SIDE_IN},{SIDE_IN},3], not {images.dtype} {list(images.shape)}")
        pixels = torch.as_tensor(np.ascontiguousarray(images), device=self.device)
        return pixels.permute(0, 3, 1, 2).float() / 255

    def _step(self) -> int:
        return self.at_once or (1 if self.device.type == "cpu" else 8)


def _of_frames(source: WarpSource, frames: slice) -> WarpSource:
    if len(source.volume) == 1:
        return source
    return WarpSource(source.volume[frames], source.compressed[frames], source.resting[frames])
