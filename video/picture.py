"""Pictures in and out: the character's picture upright with its transparency, PNG files out. Knows Pillow."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ..core import Character, UnreadableImage
from .beside import written_beside
from .opening import file_sha256

SMALLEST_SIDE = 64
"""A person smaller than this has no joints that could be found."""
LARGEST_SIDE = 16384
LARGEST_AREA = 100_000_000
"""Pixels; as RGBA that is 400 MB. Asked before anything is decoded."""
_SEEN = 8
"""Alpha up to this counts as nothing to see."""


def read_character(path: str | Path, *, mask: str | Path | None = None) -> Character:
    """The picture as core.Character: upright (EXIF), RGB uint8, alpha from the file or from `mask`.

    An alpha channel that is opaque everywhere says nothing and is left out. `mask` is a picture whose white is
    the character; it has the picture's size or its shape (then it is scaled).

    Raises UnreadableImage: missing, empty, damaged, no picture, smaller than 64 px, larger than 16384 px or 100
    megapixels, nothing visible in it, a mask of another shape.
    """
    pixels, alpha = _read(path)
    has_background = alpha is None or mask is not None or int(alpha.min()) == 255
    if mask is not None:
        alpha = _read_mask(mask, (pixels.shape[1], pixels.shape[0]))
    if alpha is not None and int(alpha.max()) <= _SEEN:
        where = f"{mask}: the mask is black everywhere" if mask is not None else f"{path}: is transparent everywhere"
        raise UnreadableImage(f"{where}; there is no character to see. Give a picture in which it is visible.")
    if alpha is not None and int(alpha.min()) == 255:
        alpha = None
    return Character(pixels, file_sha256(path), alpha, name=Path(path).stem, has_background=has_background)


def is_picture(path: str | Path) -> bool:
    """Whether a file is a picture by its header, whatever its name says; animations are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path):
                return True
    except Image.DecompressionBombError:
        return True
    except (OSError, SyntaxError, ValueError, EOFError):  # UnidentifiedImageError is an OSError
        return False


def write_image(path: str | Path, pixels: np.ndarray) -> None:
    """A PNG of uint8 `[H,W,3]` RGB or `[H,W,4]` RGBA (straight alpha), written beside then renamed.

    Raises CannotWrite.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise ValueError(f"a picture is uint8 [H,W,3] or [H,W,4], not {pixels.dtype} {list(pixels.shape)}")
    with written_beside(path) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")


def _read(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """RGB uint8 `[H,W,3]` and alpha uint8 `[H,W]` or None."""
    image = _upright(path)
    width, height = image.size
    if min(width, height) < SMALLEST_SIDE:
        raise UnreadableImage(
            f"{path}: is {width}x{height} px; a character needs at least {SMALLEST_SIDE}x{SMALLEST_SIDE}, "
            "512 or more looks good."
        )
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        full = np.asarray(image.convert("RGBA"))
        return np.ascontiguousarray(full[..., :3]), np.ascontiguousarray(full[..., 3])
    return np.array(_eight_bits(image).convert("RGB")), None


def read_mask(path: str | Path) -> np.ndarray:
    """bool `[H,W]`: where a picture is white (transparent counts as black). UnreadableImage if it is white nowhere."""
    image = _upright(path)
    if "A" in image.getbands():
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
    white = np.array(_eight_bits(image).convert("L")) > 127
    if not white.any():
        raise UnreadableImage(f"{path}: the mask is black everywhere; white must be the person.")
    return white


def _read_mask(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    image = _eight_bits(_upright(path)).convert("L")
    width, height = image.size
    # One pixel of rounding in either side is no other shape.
    if abs(width * size[1] - height * size[0]) > max(width, height, *size):
        raise UnreadableImage(
            f"{path}: the mask is {width}x{height} px, the picture {size[0]}x{size[1]}; it needs the same size or shape."
        )
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC if width < size[0] else Image.Resampling.BOX)
    return np.array(image)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits as 8; Pillow's own conversion clips it to white."""
    if not image.mode.startswith(("I", "F")):
        return image
    grey = np.asarray(image).astype(np.float64)
    top = 65535.0 if image.mode.startswith("I") else 1.0 if float(grey.max(initial=0)) <= 1.0 else 255.0
    return Image.fromarray(np.rint(np.clip(grey / top, 0, 1) * 255).astype(np.uint8))


def _upright(path: str | Path) -> Image.Image:
    """Decoded and turned as its EXIF says, after a look at its size."""
    path = Path(path)
    if path.is_dir():
        raise UnreadableImage(f"{path}: this is a folder; name the picture in it.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise UnreadableImage(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UnreadableImage(f"{path}: cannot be read ({error.strerror or error}).") from None
    if not head:
        raise UnreadableImage(f"{path}: the file is empty (0 bytes); copy or download it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's size warning: our own limit is the lower one
            image = Image.open(path)
        with image:
            _check_not_too_large(path, *image.size)
            # JPEG can be opened smaller, but the file says 100 megapixels at most by now: decode it whole.
            image.load()
            turned = ImageOps.exif_transpose(image)
            turned.info.pop("exif", None)
            return turned
    except UnidentifiedImageError:
        raise UnreadableImage(f"{path}: {_what_instead(head)}") from None
    except Image.DecompressionBombError as error:  # Pillow looks before we can; its sentence begins with the size
        pixels = next(iter(re.findall(r"\d+", str(error))), "0")
        megapixels = f"{int(pixels) / 1e6:.0f} megapixels"
        raise UnreadableImage(f"{path}: is of {megapixels}; {_limits()}. 2048 px a side is plenty.") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError) as error:
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UnreadableImage(f"{path}: the picture is damaged or cut off ({reason}); get the file again.") from None


def _check_not_too_large(path: Path, width: int, height: int) -> None:
    if max(width, height) > LARGEST_SIDE or width * height > LARGEST_AREA:
        factor = min(LARGEST_SIDE / max(width, height), (LARGEST_AREA / (width * height)) ** 0.5)
        fits = f"{int(width * factor)}x{int(height * factor)}"
        raise UnreadableImage(f"{path}: is {width}x{height} px; {_limits()}. {fits} would do, 2048 is plenty.")


def _limits() -> str:
    return f"at most {LARGEST_SIDE} px a side and {LARGEST_AREA // 1_000_000} megapixels are read"


_PHONE_PICTURES = (b"heic", b"heix", b"heim", b"heis", b"mif1")
"""Brands of HEIF files, which look like videos from outside; image sequences (msf1, hevc) are such."""


def _what_instead(head: bytes) -> str:
    if head[4:8] == b"ftyp" and head[8:12] in _PHONE_PICTURES:
        return "this is a HEIC picture, as phones make them, which is not read here; save it as png or jpg."
    if head[4:8] == b"ftyp" or head.startswith((b"\x1aE\xdf\xa3", b"RIFF")):
        return "this is a video, not a picture; the character is a picture (png, jpg, webp), the driver a video."
    if all(byte in b"\t\n\r\f" or 32 <= byte < 127 for byte in head):
        return "this is text, not a picture, whatever its name says."
    return "not a picture that can be read here; png, jpg and webp work."
