"""Known colours through every matrix, range and depth; the encoder's side is plain arithmetic, not swscale."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from motion_transfer.core import FrameChunk, Timeline
from motion_transfer.video import encode_chunk, join_chunks, open_video, output_format
from motion_transfer.video.colour import display_turn, turned

COLOURS = np.array(
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (224, 172, 105), (90, 56, 37)]
)
# ITU-R BT.601-7, BT.709-6, BT.2020-2: weights of red and blue in luma.
WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}
TAGS = {"bt601": 6, "bt709": 1, "bt2020": 9, None: 2}


def to_yuv(colours, matrix, full, bits):
    """Rounded Y, Cb, Cr of RGB levels 0..255, by the definition in the standards."""
    red, blue = WEIGHTS[matrix]
    r, g, b = (colours / 255.0).T
    y = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - y) / (2 - 2 * blue), (r - y) / (2 - 2 * red)
    top, middle = 2**bits - 1, 2 ** (bits - 1)
    if full:
        planes = y * top, cb * top + middle, cr * top + middle
    else:
        k = 2 ** (bits - 8)
        planes = (219 * y + 16) * k, (224 * cb + 128) * k, (224 * cr + 128) * k
    return [np.clip(np.rint(p), 0, top).astype(np.uint16) for p in planes]


def write_colours(path, matrix, full, bits, tagged, size=(128, 32), subsampled=False):
    """One frame: each colour a column of equal width; FFV1, so that the file holds these very values."""
    width, height = size
    planes = to_yuv(COLOURS, matrix, full, bits)
    columns = np.repeat(np.arange(len(COLOURS)), width // len(COLOURS))
    chroma = "420" if subsampled else "444"
    pix_fmt = f"yuv{chroma}p" + ("" if bits == 8 else f"{bits}le")
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        if tagged:
            stream.codec_context.colorspace = TAGS[matrix]
            stream.codec_context.color_range = 2 if full else 1
        frame = av.VideoFrame(width, height, pix_fmt)
        for i, (plane, values) in enumerate(zip(frame.planes, planes, strict=True)):
            step = 2 if subsampled and i else 1
            rows = np.zeros(
                (plane.height, plane.line_size // (1 if bits == 8 else 2)), np.uint8 if bits == 8 else "<u2"
            )
            rows[:, : plane.width] = values[columns][::step][: plane.width]
            plane.update(rows.tobytes())
        if tagged:
            frame.colorspace, frame.color_range = TAGS[matrix], 2 if full else 1
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def middles(pixels):
    """The colour in the middle of every column, `[8,3]`."""
    step = pixels.shape[1] // len(COLOURS)
    return pixels[pixels.shape[0] // 2, step // 2 :: step].astype(float)


@pytest.mark.parametrize("subsampled", [False, True], ids=["444", "420"])
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", WEIGHTS)
def test_a_tagged_video_shows_its_colours(matrix, full, bits, subsampled, tmp_path):
    path = write_colours(tmp_path / "c.mkv", matrix, full, bits, tagged=True, subsampled=subsampled)
    shown = middles(next(open_video(path).chunks(1)).pixels[0])
    # Half a level of rounding in Y, Cb and Cr each moves blue of 8 bits by up to 1.5 levels.
    assert np.abs(shown - COLOURS).max() <= 2


@pytest.mark.parametrize(("size", "matrix"), [((128, 576), "bt601"), ((128, 720), "bt709"), ((128, 480), "bt601")])
def test_an_untagged_video_is_read_by_its_height(size, matrix, tmp_path):
    path = write_colours(tmp_path / "c.mkv", matrix, False, 8, tagged=False, size=size)
    assert np.abs(middles(next(open_video(path).chunks(1)).pixels[0]) - COLOURS).max() <= 2


def test_ten_bits_arrive_as_floats_when_asked(tmp_path):
    path = write_colours(tmp_path / "c.mkv", "bt709", False, 10, tagged=True)
    chunk = next(open_video(path, deep=True).chunks(1))
    assert chunk.pixels.dtype == np.float32
    # Half a level of 10 bits in Y, Cb and Cr, times the largest row of the matrix: 1.7 of 876.
    assert np.abs(middles(chunk.pixels[0]) * 255 - COLOURS).max() <= 0.6


def test_ten_bits_are_rounded_not_cut_off(tmp_path):
    path = write_colours(tmp_path / "c.mkv", "bt709", False, 10, tagged=True)
    flat = next(open_video(path).chunks(1)).pixels[0].astype(float)
    deep = next(open_video(path, deep=True).chunks(1)).pixels[0] * 255
    # Cutting off would lose half a level on average.
    assert abs((flat - deep).mean()) < 0.2 and np.abs(flat - deep).max() <= 1.01


@pytest.mark.parametrize(
    ("name", "quality", "levels"),
    [("o.mp4", "high", 3), ("o.mov", "medium", 4), ("o.mkv", "low", 6), ("o.mp4", "lossless", 0),
     ("o.mkv", "lossless", 0), ("o.mov", "alpha", 2), ("o.webm", "high", 4), ("o.mkv", "alpha", 0)],
)  # fmt: skip
@pytest.mark.parametrize("height", [96, 736])
def test_a_written_file_shows_its_colours_and_says_how(name, quality, levels, height, tmp_path):
    columns = np.repeat(COLOURS, 32, axis=0).astype(np.uint8)
    pixels = np.broadcast_to(columns, (2, height, len(columns), 3)).copy()
    fmt = output_format(name, quality)
    chunk = FrameChunk(pixels, 0)
    encode_chunk(chunk, tmp_path / "piece.mkv", fmt, Fraction(25))
    join_chunks([tmp_path / "piece.mkv"], tmp_path / name, timeline=Timeline.constant(2, Fraction(25)), fmt=fmt)
    # `levels`: what the quantiser of that quality was measured to cost on flat colours, and the 2 of 8-bit YUV.
    for frame in next(open_video(tmp_path / name).chunks(2)).pixels:
        assert np.abs(middles(frame) - COLOURS).max() <= levels
    with av.open(str(tmp_path / name)) as container:
        context = container.streams.video[0].codec_context
        rgb = av.VideoFormat(context.pix_fmt).is_rgb
        assert context.color_primaries == 1
        if rgb:
            assert context.colorspace in (0, 2) and context.color_range in (0, 2)
        else:
            assert (context.colorspace, context.color_trc) == (1, 1)
            # ProRes is limited by definition; older decoders say nothing.
            assert context.color_range == 1 or (context.name == "prores" and context.color_range == 0)


@pytest.mark.skipif(not hasattr(VideoStream, "set_display_rotation"), reason="this PyAV cannot write the flag")
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_rotation_flag_is_obeyed(rotation, tmp_path, clips):
    frames = clips.pictures(3, 64, 48)
    frames[:, :16, :16] = (250, 20, 20)  # top left corner as stored
    path = clips.write_clip(
        tmp_path / "r.mp4", [0, 1, 2], Fraction(1, 25), Fraction(25), frames=frames, rotation=rotation,
        options={"crf": "1"},
    )  # fmt: skip
    video = open_video(path)
    shown = next(video.chunks(3)).pixels
    assert shown.shape[1:3] == ((48, 64) if rotation % 180 == 0 else (64, 48))
    assert (video.info.height, video.info.width) == shown.shape[1:3]
    # FFmpeg counts the flag anticlockwise: 90 moves the top left corner to the bottom left.
    corner = {0: (4, 4), 90: (-4, 4), 180: (-4, -4), 270: (4, -4)}[rotation]
    assert np.abs(shown[0][corner].astype(int) - (250, 20, 20)).max() < 30
    plain = clips.decoded(path)[0][1]
    assert np.abs(np.rot90(plain, rotation // 90).astype(int) - shown[0]).mean() < 3


def test_all_eight_ways_to_turn_a_picture():
    picture = np.arange(6).reshape(2, 3)
    seen = {turned(picture, (t, lr, tb)).tobytes() + bytes([t]) for t in (0, 1) for lr in (0, 1) for tb in (0, 1)}
    assert len(seen) == 8
    assert display_turn(av.VideoFrame(16, 16, "rgb24")) == (False, False, False)


@pytest.mark.parametrize("size", [(63, 47), (65, 48), (64, 49), (1, 1), (3, 5)])
def test_odd_sizes_are_read_and_written_without_loss(size, tmp_path, clips):
    pixels = clips.pictures(3, *size)
    for name in ("o.mkv", "o.mp4"):
        fmt = output_format(name, "lossless")
        encode_chunk(FrameChunk(pixels, 0), tmp_path / "p.mkv", fmt, Fraction(25))
        assert (next(open_video(tmp_path / "p.mkv").chunks(3)).pixels == pixels).all()


def test_odd_sizes_in_420_are_read(tmp_path, clips):
    path = clips.write_clip(
        tmp_path / "o.mkv", [0, 1], Fraction(1, 25), Fraction(25), codec="ffv1", frames=clips.pictures(2, 63, 47)
    )
    video = open_video(path)
    assert (video.info.width, video.info.height) == (63, 47)
    assert np.abs(next(video.chunks(2)).pixels.astype(int) - clips.pictures(2, 63, 47)).mean() < 4


def test_pixels_that_are_not_square_are_made_square(tmp_path, clips):
    path = tmp_path / "anamorphic.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(clips.pictures(1)[0], "rgb24")))
        out.mux(stream.encode(None))
    video = open_video(path)
    assert (video.info.width, video.info.height) == (85, 48)
    assert next(video.chunks(1)).pixels.shape == (1, 48, 85, 3)


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.webm"])
def test_transparency_survives(name, tmp_path, clips):
    pixels = clips.pictures(5)
    alpha = np.zeros((5, 48, 64), np.uint8)
    alpha[:, 8:40, 8:56] = 255
    alpha[:, 20:30, 20:30] = 128
    fmt = output_format(name, "alpha")
    pieces = []
    for start in (0, 2, 4):
        part = slice(start, start + 2)
        piece = tmp_path / f"{start}.mkv"
        encode_chunk(FrameChunk(pixels[part], start, alpha=alpha[part]), piece, fmt, Fraction(25))
        pieces.append(piece)
    join_chunks(pieces, tmp_path / name, timeline=Timeline.constant(5, Fraction(25)), fmt=fmt)
    if name == "a.webm":  # FFmpeg's own VP9 decoder leaves alpha out; libvpx, which browsers use, shows it
        with av.open(str(tmp_path / name)) as container:
            assert container.streams.video[0].metadata.get("ALPHA_MODE") == "1"
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            shown = [f for p in container.demux(video=0) for f in decoder.decode(p if p.size else None)]
        assert [f.format.name for f in shown] == ["yuva420p"] * 5
        found = np.stack([f.to_ndarray(format="rgba")[..., 3] for f in shown])
    else:
        found = np.concatenate([c.alpha for c in open_video(tmp_path / name, alpha=True).chunks(2)])
    error = np.abs(found.astype(int) - alpha)
    if fmt.is_exact:
        assert error.max() == 0
    elif name == "a.mov":
        assert error.max() <= 1  # ProRes stores alpha without loss, in 16 bits from 10
    else:
        assert error.mean() < 3 and np.percentile(error, 90) <= 6  # VP9 blurs the edge of a hard mask


def test_what_is_transparent_is_laid_over_white(tmp_path, clips):
    fmt = output_format("a.mkv", "alpha")
    alpha = np.zeros((1, 48, 64), np.uint8)
    alpha[:, :, :32] = 255
    chunk = FrameChunk(clips.pictures(1), 0, alpha=alpha)
    encode_chunk(chunk, tmp_path / "p.mkv", fmt, Fraction(25))
    shown = next(open_video(tmp_path / "p.mkv").chunks(1))
    assert shown.alpha is None
    assert (shown.pixels[:, :, 32:] == 255).all() and (shown.pixels[:, :, :32] == chunk.pixels[:, :, :32]).all()
