"""The character's looks through the installed IPAdapter pack (cubiq/ComfyUI_IPAdapter_plus, GPL-3.0): called, not copied.

ComfyUI itself has no picture adapter for SD1.5. The pack's nodes are looked up by name when a graph runs; where they
are missing, one line says what to install and what would work without.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Host, InputError, MissingPackage, MissingWeights, NotForCommercialUse
from ..models.animate_diff.weights import INSIGHTFACE
from .pictures import image

PRESETS = {
    "ip-adapter": ("IPAdapterUnifiedLoader", "STANDARD (medium strength)", "IPAdapterAdvanced"),
    "ip-adapter face": ("IPAdapterUnifiedLoader", "PLUS FACE (portraits)", "IPAdapterAdvanced"),
    "faceid": ("IPAdapterUnifiedLoaderFaceID", "FACEID PLUS V2", "IPAdapterFaceID"),
}
"""Our word -> the pack's loader, its preset, and the node that applies it."""


def require_identity(identity: str, strength: float) -> None:
    """MissingPackage in one line where the pack, or the part of it that is asked for, is not installed."""
    if not all(node in _installed() for node in (PRESETS[identity][0], PRESETS[identity][2])):
        raise MissingPackage(
            f"reference_strength is {strength:g}, which needs the IPAdapter pack: install ComfyUI_IPAdapter_plus "
            f"(cubiq) and its models, or put an adapter of your own on the MODEL wire, or set reference_strength to 0."
        )


def ask_for_identity(identity: str, host: Host) -> None:
    """NotForCommercialUse where the host keeps to such weights and InsightFace's would be used."""
    if identity == "faceid":
        try:
            host.find_weights(INSIGHTFACE)
        except NotForCommercialUse:
            raise
        except MissingWeights:
            return  # InsightFace downloads its own


def has_adapter(model: Any) -> bool:
    """Whether a picture adapter is on the MODEL already: then it is taken as it is."""
    replaced = model.model_options.get("transformer_options", {}).get("patches_replace", {})
    return bool(replaced.get("attn2"))


def with_identity(model: Any, picture: np.ndarray, identity: str, strength: float) -> Any:
    """The MODEL that follows a character uint8 `[H,W,3]`."""
    require_identity(identity, strength)
    loader, preset, applier = PRESETS[identity]
    words = {"lora_strength": 0.6, "provider": "CPU"} if identity == "faceid" else {}
    model, adapter = _call(loader, model=model, preset=preset, **words)[:2]
    more = {"weight_faceidv2": strength} if identity == "faceid" else {}
    return _call(
        applier, model=model, ipadapter=adapter, image=image(as_seen(picture, identity)[None]), weight=strength,
        weight_type="linear", combine_embeds="concat", start_at=0.0, end_at=1.0, embeds_scaling="V only", **more,
    )[0]  # fmt: skip


def as_seen(picture: np.ndarray, identity: str) -> np.ndarray:
    """A square, because CLIP cuts the middle out of anything else: the whole picture, or its upper part for a face.

    The pack finds the face itself for 'faceid' and is given the whole.
    """
    height, width = picture.shape[:2]
    if identity == "ip-adapter face":
        side = min(height, width)
        left = (width - side) // 2
        return np.ascontiguousarray(picture[:side, left : left + side])
    side = max(height, width)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    square = np.empty((side, side, 3), np.uint8)
    square[:] = np.median(border, axis=0).astype(np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = picture
    return square


def _installed() -> dict[str, Any]:
    import nodes

    return nodes.NODE_CLASS_MAPPINGS


def _call(name: str, **words: Any) -> tuple[Any, ...]:
    import comfy.model_management

    node = _installed()[name]
    try:
        return getattr(node(), node.FUNCTION)(**words)
    except comfy.model_management.InterruptProcessingException:
        raise
    except Exception as error:  # noqa: BLE001  whatever the pack raises, mostly plain Exceptions about missing files
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"The IPAdapter pack's {name} stopped: {said.rstrip('.')}. Its models lie in models/ipadapter and "
            f"models/clip_vision; reference_strength=0 goes without them."
        ) from None
