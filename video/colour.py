"""Between the colours of a video file and RGB: matrix, range, bit depth, alpha, rotation.

The conversions are swscale's, but every matrix and range is said explicitly: what is left to its defaults turns
skin green. HDR transfer curves (PQ, HLG) are read as they are, without tone mapping.
"""

from __future__ import annotations

import struct
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

# Full chroma interpolation and exact rounding; the fast paths are up to 8 levels off and 1.4 too dark on average
# (measured on smooth noise at 720p), these are 0.0 off on average. Bit exact: the same on every processor.
_BICUBIC, _FULL_CHROMA_OUT, _FULL_CHROMA_IN, _ACCURATE, _BIT_EXACT = 4, 0x2000, 0x4000, 0x40000, 0x80000
SCALER_FLAGS = _BICUBIC | _FULL_CHROMA_OUT | _FULL_CHROMA_IN | _ACCURATE | _BIT_EXACT

BT709 = 1
LIMITED, FULL = 1, 2
HD_HEIGHT = 720
"""Untagged video of this height or more is BT.709, smaller is BT.601: what players do."""

# swscale's names for its tables (SWS_CS_...); PyAV has not named all of them in every version.
_ITU709, _FCC, _ITU601, _SMPTE240M, _BT2020 = 1, 4, 5, 7, 9

# ITU-T H.273 matrix coefficients -> swscale's tables.
_MATRICES = {
    1: _ITU709,
    4: _FCC,
    5: _ITU601,
    6: _ITU601,
    7: _SMPTE240M,
    9: _BT2020,
    10: _BT2020,
}
# Weights of red and blue in luma: BT.709, FCC, BT.601, SMPTE 240M, BT.2020.
_LUMA_WEIGHTS = {
    _ITU709: (0.2126, 0.0722),
    _FCC: (0.30, 0.11),
    _ITU601: (0.299, 0.114),
    _SMPTE240M: (0.212, 0.087),
    _BT2020: (0.2627, 0.0593),
}
# Codecs of pictures: their grey is 0..255 even where nobody says so.
_FULL_RANGE_CODECS = {"gif", "png", "apng", "mjpeg", "bmp", "webp", "tiff", "qtrle", "rawvideo"}

# Two threads halve the conversion's time; PyAV offers the choice since 17.
_THREADS: dict[str, Any] = {"threads": 2} if int(av.__version__.split(".")[0]) >= 17 else {}


class ToRgb:
    """Turns decoded frames into RGB of one size; keeps swscale's tables between frames."""

    def __init__(self, codec: str, width: int, height: int, *, deep: bool = False, alpha: bool = False) -> None:
        self._codec, self._width, self._height = codec, width, height
        self._deep, self._alpha = deep, alpha
        self._scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels `[H,W,3]` (uint8; float32 0..1 when deep) and alpha uint8 `[H,W]` if asked for and there.

        Without `alpha`, transparent parts are laid over white, as a browser shows them.
        """
        see_through = has_alpha(frame)
        if self._deep:
            pixels = self._deep_rgb(frame, see_through)
        else:
            # RGB has no matrix of its own; an equal one makes PyAV before 16 skip the conversion's set-up.
            other = _ITU601 if matrix_of(frame) == _ITU709 else _ITU709
            pixels = self._scaled(frame, "rgba" if see_through else "rgb24", other, FULL)
        if not see_through:
            return pixels, None
        colour, alpha = pixels[..., :3], pixels[..., 3]
        if self._alpha:
            alpha8 = np.rint(alpha * 255).astype(np.uint8) if self._deep else np.ascontiguousarray(alpha)
            return np.ascontiguousarray(colour), alpha8
        if self._deep:
            return colour * alpha[..., None] + (1 - alpha[..., None]), None
        wide = alpha[..., None].astype(np.uint16)
        return ((colour * wide + 255 * (255 - wide) + 127) // 255).astype(np.uint8), None

    def _scaled(self, frame: av.VideoFrame, target: str, matrix: int, range_: int) -> np.ndarray:
        return self._scaler.reformat(
            frame,
            width=self._width,
            height=self._height,
            format=target,
            src_colorspace=matrix_of(frame),
            dst_colorspace=matrix,
            interpolation=SCALER_FLAGS,
            src_color_range=range_of(frame, self._codec),
            dst_color_range=range_,
            **_THREADS,
        ).to_ndarray()

    def _deep_rgb(self, frame: av.VideoFrame, see_through: bool) -> np.ndarray:
        """float32 0..1. swscale's own way to 16-bit RGB makes white 0.998, so the matrix is applied here."""
        if frame.format.is_rgb or frame.format.name == "pal8":
            pixels = self._scaled(frame, "rgba64le" if see_through else "rgb48le", _ITU709, FULL)
            return pixels.astype(np.float32) / np.float32(65535)
        matrix, range_ = matrix_of(frame), range_of(frame, self._codec)
        codes = self._scaled(frame, "yuva444p16le" if see_through else "yuv444p16le", matrix, range_)
        bits = max(component.bits for component in frame.format.components)
        codes = codes.astype(np.float32) / np.float32(2 ** (16 - bits))  # swscale widens by shifting
        top, unit = 2**bits - 1, 2 ** (bits - 8)
        if range_ == FULL:
            y, c = codes[..., 0] / top, (codes[..., 1:3] - 2 ** (bits - 1)) / top
        else:
            y, c = (codes[..., 0] / unit - 16) / 219, (codes[..., 1:3] / unit - 128) / 224
        red, blue = _LUMA_WEIGHTS[matrix]
        r = y + (2 - 2 * red) * c[..., 1]
        b = y + (2 - 2 * blue) * c[..., 0]
        g = (y - red * r - blue * b) / (1 - red - blue)
        planes = [r, g, b, *([codes[..., 3] / top] if see_through else [])]
        return np.clip(np.stack(planes, -1), 0, 1).astype(np.float32)


class FromRgb:
    """Turns RGB frames into what an encoder wants: BT.709 limited range for YUV, tagged as such."""

    def __init__(self, pixel_format: str) -> None:
        self._target = pixel_format
        self._is_rgb = av.VideoFormat(pixel_format).is_rgb
        self._scaler = VideoReformatter()

    def __call__(self, pixels: np.ndarray, alpha: np.ndarray | None) -> av.VideoFrame:
        """`pixels` uint8 `[H,W,3]`; `alpha` uint8 `[H,W]` where the format holds one, None = opaque."""
        if self._target in ("bgra", "yuva444p10le", "yuva420p"):
            height, width = pixels.shape[:2]
            full = np.empty((height, width, 4), np.uint8)
            full[..., :3] = pixels
            full[..., 3] = 255 if alpha is None else alpha
            frame = av.VideoFrame.from_ndarray(full, format="rgba")
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        if frame.format.name == self._target:
            return frame
        converted = self._scaler.reformat(
            frame,
            format=self._target,
            src_colorspace=_ITU709,
            dst_colorspace=_ITU709,
            interpolation=SCALER_FLAGS,
            src_color_range=FULL,
            dst_color_range=FULL if self._is_rgb else LIMITED,
            **_THREADS,
        )
        if not self._is_rgb:
            converted.colorspace, converted.color_range = BT709, LIMITED
        return converted


def has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components) or frame.format.name == "pal8"


def matrix_of(frame: av.VideoFrame) -> int:
    """swscale's table for the frame's tag; untagged: by height."""
    guess = _ITU709 if frame.height >= HD_HEIGHT else _ITU601
    return int(_MATRICES.get(frame.colorspace, guess))


def range_of(frame: av.VideoFrame, codec: str) -> int:
    """Full or limited: as tagged; untagged YUV is limited, pictures and RGB are full."""
    if frame.color_range in (LIMITED, FULL):
        return int(frame.color_range)
    name = frame.format.name
    if frame.format.is_rgb or name.startswith(("yuvj", "pal8")) or codec in _FULL_RANGE_CODECS:
        return FULL
    return LIMITED


def display_turn(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """(transpose, mirror left-right, mirror top-bottom), done in this order, to show a frame upright.

    From the display matrix: x' = a x + c y, y' = b x + d y, in 16.16 fixed point, row by row a b u c d v x y w
    (ISO/IEC 14496-12, 8.3.2). Turns that are no multiple of 90 degrees go to the nearest one.
    """
    side_data: Any = frame.side_data
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return False, False, False
    a, b, _, c, d = struct.unpack("=9i", bytes(matrix)[:36])[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return False, a < 0, d < 0
    return True, c < 0, b < 0


def turned(pixels: np.ndarray, turn: tuple[bool, bool, bool]) -> np.ndarray:
    """The picture as displayed."""
    transpose, left_right, top_bottom = turn
    if not any(turn):
        return pixels
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    if left_right:
        pixels = pixels[:, ::-1]
    if top_bottom:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
