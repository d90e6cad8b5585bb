"""What may be known of MimicMotion without loading it: its settings, its files and what it asks of a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...core import EngineSpec, Host, MissingPackage, Need, Settings, UsageError, choice, number, switch, whole
from .weights import STABILITY, SVD, TILES, VERSIONS, find_weights, names_and_marks

if TYPE_CHECKING:
    from .engine import MimicMotionEngine

BACKEND = "mimic_motion"
"""What a host lends under this name is a ready `MimicBackend`."""
SECTION_FRAMES = 200
SIZE_MULTIPLE = 64
"""Latents are an eighth of the picture, and the UNet halves them three times."""
_GUIDANCE_PER_STRENGTH = 2.5  # so that 0.4, the middle of what guides advise, gives the authors' 2.0


@dataclass(frozen=True)
class MimicMotionSettings(Settings):
    """Names and ranges are a promise: node inputs, flags and jobs are made of them."""

    version: str = choice(
        "1-1",
        tuple(VERSIONS),
        help="Which of the published files: 1-1 makes up to 72 frames at once, 1 is the older, for 16. Their licence: "
        "Stability AI's, as Stable Video Diffusion's, which limits commercial use.",
    )
    pose_strength: float = number(
        0.9, 0.0, 2.0, help="How strongly the drawn pose leads; 1.0 = as trained, guides advise 0.7 to 0.9."
    )
    reference_strength: float = number(
        0.4,
        0.05,
        2.0,
        help="How strongly the figure is held to its picture: sets the guidance to 1 + 2.5 x this, so 0.4 is the "
        "authors' 2.0. The picture itself is always seen in full; this model has no IP-Adapter.",
    )
    temporal_consistency: bool = switch(
        True, help="Lets neighbouring tiles overlap and be fused. Off: they share only the reference, and may jump."
    )
    steps: int = whole(25, 1, 100, help="Denoising steps; 25 as the authors run it.")
    tile: str = choice(
        "auto",
        ("auto", "72", "16"),
        help="Frames denoised at once: auto is what the version was trained on. 16 needs the least memory; with 1-1 it "
        "was reported to look worse. A shorter clip is one tile.",
    )
    overlap: int = whole(
        6, 1, 12, unit="frames", help="How far tiles overlap; the reference counts, so 6 shares 5 frames of the clip."
    )
    face_points: str = choice(
        "all",
        ("all", "none", "moved"),
        help="The 68 drawn face points carry the driver's face shape. all: as trained; moved: onto the character's own "
        "face, which keeps its likeness; none: the face is left to the picture.",
    )
    retarget: str = choice(
        "ours",
        ("ours", "mimicmotion", "none"),
        help="Bone lengths: ours gives the character's own, mimicmotion fits one line to the clip as the original, none "
        "keeps the driver's place and size.",
    )
    driving_smooth: float = number(
        2.0, 0.0, 10.0, step=0.5, help="How strongly the driving motion is smoothed; 0 leaves the detector's jitter in."
    )
    guidance_start: float = number(
        0.0, 0.0, 10.0, step=0.1, advanced=True,
        help="Guidance of the first frame, from where it runs evenly to the last one's; 0: the same for all, as the authors run it.",
    )  # fmt: skip
    section: int = whole(
        SECTION_FRAMES, 32, 2000, unit="frames", advanced=True,
        help="Frames that are denoised together, at least two tiles; a longer clip is made in sections that fade into one another. More needs more memory.",
    )  # fmt: skip
    noise_aug: float = number(
        0.0, 0.0, 1.0, step=0.01, advanced=True, help="Noise on the reference: more frees the motion and costs likeness; 0 as the authors run it."
    )  # fmt: skip
    motion_bucket: int = whole(
        127, 1, 255, advanced=True, help="How much motion the model is told there is; 127 as the authors run it."
    )
    conditioning_fps: int = whole(
        7, 1, 30, unit="frames/s", advanced=True, help="The frame rate that the model is told; 7 as the authors run it. The result always has the driver's."
    )  # fmt: skip
    decode_chunk: int = whole(
        8, 1, 32, unit="frames", advanced=True, help="Frames that the VAE turns into pictures together; fewer need less memory and may flicker."
    )  # fmt: skip
    dtype: str = choice(
        "fp16", ("fp16", "bf16", "fp32"), advanced=True, help="What the network computes in, outside ComfyUI."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.guidance_start < 1:
            raise UsageError(f"guidance_start is {self.guidance_start:g}, but guidance is 1 or more, or 0 for the same at all frames.")  # fmt: skip

    @property
    def guidance(self) -> float:
        """Of the last frame."""
        return 1.0 + _GUIDANCE_PER_STRENGTH * self.reference_strength

    @property
    def first_guidance(self) -> float:
        return self.guidance_start or self.guidance

    @property
    def tile_frames(self) -> int:
        """The reference with them."""
        return TILES[self.version] if self.tile == "auto" else int(self.tile)

    @property
    def overlap_frames(self) -> int:
        """The reference with them: 1 is no overlap."""
        return self.overlap if self.temporal_consistency else 1

    @property
    def shared_frames(self) -> int:
        """Frames of the clip that two sections share."""
        return self.overlap_frames - 1

    @property
    def section_frames(self) -> int:
        """At least two tiles less what they share, so that an evenly cut clip never has a section below a tile."""
        return max(self.section, 2 * self.tile_frames - self.shared_frames)


def _needs(settings: MimicMotionSettings) -> frozenset[Need]:
    return frozenset({"character_pose"})  # the reference's own pose is drawn too, whatever the retargeting


def _identity(settings: MimicMotionSettings, host: Host) -> str:
    need_packages("torch")
    backend = host.lend(BACKEND)
    if backend is not None:
        return backend.fingerprint
    need_packages("diffusers", "transformers")
    return names_and_marks(find_weights(host, settings.version))


def need_packages(*names: str) -> None:
    """MissingPackage names the first that is not installed; nothing is imported."""
    for name in names:
        if name in sys.modules and sys.modules[name] is not None:
            continue
        if sys.modules.get(name, name) is None or find_spec(name) is None:
            raise MissingPackage(
                f"MimicMotion needs {name}, which is not installed: pip install {name} (torch as pytorch.org says for "
                f"your GPU)."
            )


def _open(settings: MimicMotionSettings, host: Host, seed: int) -> MimicMotionEngine:
    from .engine import open_engine

    return open_engine(settings, host, seed)


SPEC = EngineSpec(
    name="mimic-motion",
    title="MimicMotion",
    summary="The picture comes alive after a dancer, on Stable Video Diffusion: one person, seen from the front. Needs a GPU of 12 GB or more.",
    settings=MimicMotionSettings,
    open=_open,
    version="1",
    window=SECTION_FRAMES,
    size_multiple=SIZE_MULTIPLE,
    order="joint",
    needs=_needs,
    identity=_identity,
    weights=(*VERSIONS.values(), SVD),
    licence=STABILITY,
    paced_by=("version", "steps", "temporal_consistency", "tile", "overlap", "decode_chunk", "dtype"),
)
