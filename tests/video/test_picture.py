"""Pictures in every mode come in upright with their transparency; what cannot be a character is said in one line."""

from __future__ import annotations

import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from motion_transfer.core import CannotWrite, UnreadableImage
from motion_transfer.video import read_character, write_image


@pytest.fixture
def rgb(clips):
    return clips.pictures(1, 96, 80)[0]


@pytest.fixture
def alpha():
    a = np.zeros((80, 96), np.uint8)
    a[10:70, 20:76] = 255
    a[30:40, 30:40] = 100
    return a


@pytest.mark.parametrize("kind", ["png", "tiff", "webp"])
def test_transparency_is_kept_and_colours_stay_straight(kind, rgb, alpha, tmp_path):
    path = tmp_path / f"hero.{kind}"
    options = {"lossless": True, "exact": True} if kind == "webp" else {}
    Image.fromarray(np.dstack([rgb, alpha])).save(path, **options)
    character = read_character(path)
    assert (character.pixels == rgb).all() and (character.alpha == alpha).all()
    assert character.name == "hero" and character.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert character.pose is None and character.size == (96, 80)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "LA", "PA", "I;16", "16-bit RGB", "RGBA opaque"])
def test_every_mode_becomes_rgb(mode, rgb, alpha, tmp_path):
    grey = rgb[..., 1]
    path, expected, tolerance, has_alpha = tmp_path / "m.png", rgb, 0, False
    if mode == "RGB":
        Image.fromarray(rgb).save(path)
    elif mode == "L":
        Image.fromarray(grey).save(path)
        expected = np.dstack([grey] * 3)
    elif mode == "1":
        Image.fromarray(grey > 128).save(path)
        expected = np.dstack([(grey > 128) * 255] * 3)
    elif mode == "P":
        image = Image.fromarray(rgb).quantize(256)
        image.save(path)
        expected = np.asarray(image.convert("RGB"))
    elif mode == "CMYK":
        path = tmp_path / "m.tiff"
        Image.fromarray(rgb).convert("CMYK").save(path)
        tolerance = 1
    elif mode == "LA":
        Image.fromarray(np.dstack([grey, alpha]), "LA").save(path)
        expected, has_alpha = np.dstack([grey] * 3), True
    elif mode == "PA":
        image = Image.fromarray(np.dstack([rgb, (alpha > 128) * 255]).astype(np.uint8)).quantize(64)
        image.save(path)
        full = np.asarray(image.convert("RGBA"))
        expected, alpha, has_alpha = full[..., :3], full[..., 3], True
    elif mode == "I;16":
        Image.fromarray(grey.astype(np.uint16) * 257).save(path)
        expected = np.dstack([grey] * 3)
    elif mode == "16-bit RGB":
        import cv2

        cv2.imwrite(str(path), rgb[..., ::-1].astype(np.uint16) * 257)
    else:
        Image.fromarray(np.dstack([rgb, np.full_like(grey, 255)])).save(path)
    character = read_character(path)
    assert np.abs(character.pixels.astype(int) - expected).max() <= tolerance
    assert (character.alpha is not None) == has_alpha
    if has_alpha:
        assert (character.alpha == alpha).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_obeyed(orientation, rgb, tmp_path):
    # EXIF 2.3, tag 0x0112: how the stored rows and columns must be turned to stand upright.
    stored = {
        1: rgb, 2: rgb[:, ::-1], 3: rgb[::-1, ::-1], 4: rgb[::-1], 5: rgb.swapaxes(0, 1),
        6: np.rot90(rgb, 1), 7: rgb[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(rgb, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "t.png", exif=exif)
    assert (read_character(tmp_path / "t.png").pixels == rgb).all()
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "t.jpg", exif=exif, quality=97, subsampling=0)
    assert np.abs(read_character(tmp_path / "t.jpg").pixels.astype(int) - rgb).mean() < 2


def test_a_mask_picture_says_who_is_the_character(rgb, alpha, tmp_path):
    Image.fromarray(rgb).save(tmp_path / "p.png")
    Image.fromarray(alpha).save(tmp_path / "m.png")
    assert (read_character(tmp_path / "p.png", mask=tmp_path / "m.png").alpha == alpha).all()
    Image.fromarray(alpha).resize((192, 160), Image.Resampling.NEAREST).save(tmp_path / "large.png")
    assert (read_character(tmp_path / "p.png", mask=tmp_path / "large.png").alpha == alpha).all()
    Image.fromarray(alpha).resize((48, 40), Image.Resampling.BOX).save(tmp_path / "small.png")
    found = read_character(tmp_path / "p.png", mask=tmp_path / "small.png").alpha
    assert np.abs(found.astype(int) - alpha).mean() < 6  # edges were halved and doubled again
    # A mask outranks the file's own transparency.
    Image.fromarray(np.dstack([rgb, np.roll(alpha, 5, 0)])).save(tmp_path / "own.png")
    assert (read_character(tmp_path / "own.png", mask=tmp_path / "m.png").alpha == alpha).all()


def test_a_mask_of_another_shape_or_all_black_is_refused(rgb, tmp_path):
    Image.fromarray(rgb).save(tmp_path / "p.png")
    Image.new("L", (96, 96), 255).save(tmp_path / "square.png")
    with pytest.raises(UnreadableImage, match="the mask is 96x96 px, the picture 96x80"):
        read_character(tmp_path / "p.png", mask=tmp_path / "square.png")
    Image.new("L", (96, 80), 0).save(tmp_path / "black.png")
    with pytest.raises(UnreadableImage, match="black everywhere"):
        read_character(tmp_path / "p.png", mask=tmp_path / "black.png")
    with pytest.raises(UnreadableImage, match="no such file"):
        read_character(tmp_path / "p.png", mask=tmp_path / "none.png")


def claim_size(path, width, height):
    """A PNG whose header claims a size and whose pixels are not there: whoever decodes it finds it damaged."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"0"))]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_what_cannot_be_a_character_is_said_in_one_line(rgb, tmp_path, clips):
    from fractions import Fraction as F

    def put(name, image, **options):
        image.save(tmp_path / name, **options)

    put("one.png", Image.new("RGB", (1, 1)))
    put("thin.png", Image.new("RGB", (500, 63)))
    for name, size in (
        ("wide", (16385, 64)),
        ("large", (10001, 10000)),
        ("16k", (16384, 16384)),
        ("bomb", (65000, 65000)),
    ):
        claim_size(tmp_path / f"{name}.png", *size)
    put("clear.png", Image.new("RGBA", (96, 80), (255, 0, 0, 0)))
    put("whole.png", Image.fromarray(rgb))
    put("whole.jpg", Image.fromarray(rgb), quality=95)
    for kind in ("png", "jpg"):
        data = (tmp_path / f"whole.{kind}").read_bytes()
        (tmp_path / f"cut.{kind}").write_bytes(data[: len(data) // 2])
    (tmp_path / "head.png").write_bytes((tmp_path / "whole.png").read_bytes()[:20])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("not a picture\n" * 20)
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    (tmp_path / "noise.png").write_bytes(np.random.default_rng(0).bytes(3000))
    (tmp_path / "folder.png").mkdir()
    clips.write_clip(tmp_path / "film.mp4", [0, 1], F(1, 25), F(25))
    (tmp_path / "film.png").write_bytes((tmp_path / "film.mp4").read_bytes())
    clips.write_clip(tmp_path / "film.mkv", [0, 1], F(1, 25), F(25))
    cases = {
        "one.png": "is 1x1 px; a character needs at least 64x64",
        "thin.png": "is 500x63 px",
        "wide.png": "is 16385x64 px; at most 16384 px a side",
        "large.png": "10001x10000 px; at most 16384 px a side and 100 megapixels are read. 10000x9999 would do",
        "16k.png": "is of 268 megapixels; at most 16384 px",
        "bomb.png": "is of 4225 megapixels",
        "clear.png": "transparent everywhere",
        "cut.png": "damaged or cut off",
        "cut.jpg": "damaged or cut off",
        "head.png": "not a picture|damaged",
        "empty.png": "empty",
        "text.png": "text, not a picture",
        "noise.png": "not a picture",
        "folder.png": "folder",
        "phone.heic": "HEIC picture.*save it as png or jpg",
        "film.mp4": "a video, not a picture",
        "film.png": "a video, not a picture",
        "film.mkv": "a video, not a picture",
        "missing.png": "no such file",
    }
    for name, words in cases.items():
        with pytest.raises(UnreadableImage, match=words) as error:
            read_character(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value)


def test_what_is_written_is_read_again(rgb, alpha, tmp_path):
    write_image(tmp_path / "a.png", rgb)
    assert (read_character(tmp_path / "a.png").pixels == rgb).all()
    write_image(tmp_path / "b.png", np.dstack([rgb, alpha]))
    again = read_character(tmp_path / "b.png")
    assert (again.pixels == rgb).all() and (again.alpha == alpha).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]
    with pytest.raises(CannotWrite, match="does not exist"):
        write_image(tmp_path / "none" / "a.png", rgb)
    with pytest.raises(ValueError, match="uint8"):
        write_image(tmp_path / "c.png", rgb.astype(float))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]
