# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from unimo_hf.video import VideoError, read_picture

from .make_videos import BLUE, GREEN, RED, WHITE, corners


def corner_colours(picture):
    height, width = picture.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [picture[row, column].tolist() for row in rows for column in columns]


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "gif", "tiff", "jpg", "ppm"])
def test_formats(tmp_path, suffix):
    Image.fromarray(corners()).save(tmp_path / f"a.{suffix}")
    picture = read_picture(tmp_path / f"a.{suffix}")
    assert (picture.shape, picture.dtype) == ((32, 48, 3), np.uint8)
    np.testing.assert_allclose(corner_colours(picture), [RED, GREEN, BLUE, WHITE], atol=12)
    picture[0] = 0  # the caller's own


def test_exif_rotation(tmp_path):
    exif = Image.Exif()
    for orientation, expected in (
        (6, [BLUE, RED, WHITE, GREEN]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (2, [GREEN, RED, WHITE, BLUE]),
    ):
        exif[0x0112] = orientation
        Image.fromarray(corners()).save(tmp_path / "a.jpg", exif=exif, quality=95)
        picture = read_picture(tmp_path / "a.jpg")
        assert picture.shape == ((48, 32, 3) if orientation == 6 else (32, 48, 3))
        np.testing.assert_allclose(corner_colours(picture), expected, atol=12)


def test_cmyk(tmp_path):
    Image.fromarray(corners()).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_allclose(corner_colours(read_picture(tmp_path / "a.jpg")), [RED, GREEN, BLUE, WHITE], atol=12)


def test_alpha_goes_over_white(tmp_path):
    picture = np.dstack((corners(), np.full((32, 48), 255, np.uint8)))
    picture[:16, :24, 3], picture[16:, :24, 3] = 0, 128
    Image.fromarray(picture).save(tmp_path / "a.png")
    half = [round((channel * 128 + 255 * 127) / 255) for channel in BLUE]
    np.testing.assert_allclose(
        corner_colours(read_picture(tmp_path / "a.png")), [(255,) * 3, GREEN, half, WHITE], atol=1
    )
    palette = Image.fromarray(corners()).quantize(8)
    palette.save(tmp_path / "b.png", transparency=palette.getpixel((0, 0)))
    assert corner_colours(read_picture(tmp_path / "b.png"))[0] == [255] * 3
    Image.new("LA", (4, 4), (100, 0)).save(tmp_path / "c.png")
    assert read_picture(tmp_path / "c.png").min() == 255


@pytest.mark.parametrize("top", [1, 255, 65535])
def test_grey(tmp_path, top):
    ramp = np.linspace(0, top, 16).round()[None].repeat(4, 0)
    image = {
        1: Image.fromarray((ramp > 0.5).astype(np.uint8) * 255).convert("1"),
        255: Image.fromarray(ramp.astype(np.uint8)),
        65535: Image.fromarray(ramp.astype(np.uint16)),
    }[top]
    image.save(tmp_path / "a.png")
    expected = np.asarray(image.convert("L")) if top < 65535 else (ramp / 257).round()
    found = read_picture(tmp_path / "a.png")
    np.testing.assert_allclose(found, expected[..., None].repeat(3, -1), atol=1)
    assert (found.min(), found.max()) == (0, 255)


def test_floats(tmp_path):
    Image.fromarray(np.array([[0.0, 0.5], [1.0, np.nan]], dtype=np.float32)).save(tmp_path / "a.tiff")
    assert read_picture(tmp_path / "a.tiff")[..., 0].tolist() == [[0, 128], [255, 0]]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(corners()).save(tmp_path / f"a.{suffix}", exif=exif, quality=95)
    with Image.open(tmp_path / f"a.{suffix}") as image:
        expected = np.array(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_picture(tmp_path / f"a.{suffix}"), expected)


class TestLargePictures:
    """Pictures of 48x32 here, where 36 million pixels are as many as `given`."""

    @pytest.fixture
    def given(self, monkeypatch):
        def set_to(pixels):
            monkeypatch.setattr("unimo_hf.video.pictures.MAX_PIXELS_GIVEN", pixels)

        return set_to

    @pytest.mark.parametrize("suffix", ["png", "jpg", "tiff", "webp", "gif", "jp2", "ppm"])
    def test_a_half(self, tmp_path, given, suffix):
        Image.fromarray(corners()).save(tmp_path / f"a.{suffix}")
        given(48 * 32)
        assert read_picture(tmp_path / f"a.{suffix}").shape == (32, 48, 3)
        given(48 * 32 - 1)
        picture = read_picture(tmp_path / f"a.{suffix}")
        assert picture.shape == (16, 24, 3)
        np.testing.assert_allclose(
            corner_colours(picture), [RED, GREEN, BLUE, WHITE], atol=60 if suffix == "gif" else 12
        )

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16", "F", "CMYK"])
    def test_every_mode_is_reduced_after_it_is_converted(self, tmp_path, given, mode):
        values = np.random.default_rng(0).integers(0, 256, (32, 48))
        image = {
            "I;16": lambda: Image.fromarray((values * 257).astype(np.uint16)),
            "F": lambda: Image.fromarray((values / 255).astype(np.float32)),
        }.get(mode, lambda: Image.fromarray(np.dstack([values.astype(np.uint8)] * 4)).convert("RGB").convert(mode))()
        if mode in ("RGBA", "LA"):
            image.putalpha(Image.fromarray(values.astype(np.uint8)))
        image.save(tmp_path / "a.tiff")
        whole = read_picture(tmp_path / "a.tiff").astype(float)
        given(400)
        mean = whole.reshape(16, 2, 24, 2, 3).mean((1, 3))
        np.testing.assert_allclose(read_picture(tmp_path / "a.tiff"), mean, atol=1)

    def test_an_odd_size_and_an_orientation(self, tmp_path, given):
        exif = Image.Exif()
        exif[274] = 6
        Image.fromarray(corners(33, 51)).save(tmp_path / "a.png", exif=exif)
        given(200)
        picture = read_picture(tmp_path / "a.png")
        assert picture.shape == (13, 9, 3)  # 51x33, at a quarter
        np.testing.assert_allclose(corner_colours(picture), [BLUE, RED, WHITE, GREEN], atol=3)

    @pytest.mark.parametrize("factor", [1, 2])
    def test_strips_do_not_show(self, tmp_path, given, monkeypatch, factor):
        values = np.random.default_rng(0).integers(0, 256, (32, 48, 4), dtype=np.uint8)
        Image.fromarray(values).save(tmp_path / "a.png")
        given(48 * 32 // factor**2)
        whole = read_picture(tmp_path / "a.png")
        monkeypatch.setattr("unimo_hf.video.pictures.STRIP_PIXELS", 150)
        np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), whole)

    @pytest.mark.parametrize(
        ("suffix", "options", "bytes_of_pixel"),
        [
            ("png", {}, 4),
            ("jpg", {}, 4),
            ("jpg", {"progressive": True}, 10),
            ("webp", {}, 18),
            ("jp2", {}, 24),
            ("tiff", {"compression": "tiff_lzw"}, 7),
        ],
    )
    def test_what_would_take_too_much_is_refused(self, tmp_path, monkeypatch, suffix, options, bytes_of_pixel):
        Image.fromarray(corners()).save(tmp_path / f"a.{suffix}", **options)
        needed = 48 * 32 * bytes_of_pixel
        monkeypatch.setattr("unimo_hf.video.pictures.MAX_BYTES", needed)
        assert read_picture(tmp_path / f"a.{suffix}").shape == (32, 48, 3)
        monkeypatch.setattr("unimo_hf.video.pictures.MAX_BYTES", needed - 1)
        with pytest.raises(
            VideoError, match=rf"a\.{suffix} is 48x32 pixels as \w+, which takes {needed} bytes to read"
        ):
            read_picture(tmp_path / f"a.{suffix}")

    def test_a_tile_that_is_larger_than_its_picture(self, tmp_path):
        """Deflate packs its zeros into a megabyte; here nothing is behind the tags."""
        tags = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: 40_000, 323: 40_000, 324: 8, 325: 10}
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        (tmp_path / "a.tiff").write_bytes(
            b"II*\0" + struct.pack("<I", 20) + bytes(12) + struct.pack("<H", len(tags)) + entries + bytes(4)
        )
        with pytest.raises(VideoError, match=r"a\.tiff is 64x64 pixels as TIFF, which takes 1600004096 bytes to read"):
            read_picture(tmp_path / "a.tiff")

    def test_a_side_of_a_hundred_million(self, tmp_path):
        """The jumps of run-length coding count in rows."""
        header = struct.pack("<IiiHHIIiiII", 40, 100_000_000, 1, 1, 8, 1, 4, 0, 0, 256, 0)
        start = b"BM" + struct.pack("<IHHI", 1082, 0, 0, 1078) + header
        (tmp_path / "a.bmp").write_bytes(start + bytes(1024) + b"\0\2\xff\xff")
        with pytest.raises(
            VideoError, match="100000000x1 pixels; at most 150000000 pixels are allowed, and 65535 along"
        ):
            read_picture(tmp_path / "a.bmp")


def test_odd_tags_are_not_reported(tmp_path, recwarn):
    """An orientation of two thousand million numbers."""
    exif = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 274, 3, 2**31, 8, 0)
    Image.fromarray(corners()).save(tmp_path / "a.png", exif=exif)
    assert read_picture(tmp_path / "a.png").shape == (32, 48, 3)
    assert not recwarn


def test_bad_files(tmp_path, monkeypatch):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_bytes(b"no picture")
    (tmp_path / "script.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(
        tmp_path / "whole.png"
    )
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:3000])
    for name, message in (("empty", "is empty"), ("text", "is not a picture"), ("cut", "cut short")):
        with pytest.raises(VideoError, match=rf"{name}\.png.*{message}"):
            read_picture(tmp_path / f"{name}.png")
    with pytest.raises(VideoError, match="is not a picture"):
        read_picture(tmp_path / "script.eps")
    with pytest.raises(VideoError, match="is not a file"):
        read_picture(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_picture(tmp_path / "nowhere.png")
    monkeypatch.setattr("unimo_hf.video.pictures.MAX_PIXELS", 1000)
    with pytest.raises(VideoError, match="64x64 pixels; at most 1000"):
        read_picture(tmp_path / "whole.png")
