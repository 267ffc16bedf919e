# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import numpy as np
import pytest
from PIL import Image

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
