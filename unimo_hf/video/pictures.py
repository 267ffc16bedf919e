# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading pictures with Pillow: upright RGB, whatever the camera or the scanner wrote."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import VideoError

if TYPE_CHECKING:
    from PIL.Image import Image

ALLOWED = "png, jpeg, webp, bmp, gif, tiff, ppm, avif"
# Pillow's names; its readers for PostScript and the like run other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")
MAX_PIXELS, MAX_SIDE = 150_000_000, 65_535
# Larger ones are given at a half, a quarter or an eighth of their size.
MAX_PIXELS_GIVEN = 36_000_000
# What one may take while it is read.
MAX_BYTES = 1_050_000_000
# Pixels that are converted at once.
STRIP_PIXELS = 2_000_000
# Tags of EXIF and TIFF.
ORIENTATION, BITS_PER_SAMPLE, ROWS_PER_STRIP, TILE_WIDTH, TILE_LENGTH = 274, 258, 278, 322, 323
# Bytes of a pixel in Pillow; it takes 4 for all other modes.
BYTES_OF_MODE = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
# Bytes that a decoder takes for each pixel beside the picture in Pillow.
BYTES_OF_DECODER = {"WEBP": 14, "AVIF": 14, "JPEG2000": 20}


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """Read a picture; of several frames the first.

    EXIF rotation is applied, CMYK, grey and palettes become RGB, more than 8 bits are scaled down, alpha goes over
    white. A picture of more than 36 million pixels is given at a half, a quarter or an eighth of its height and width.

    Args:
        path (`str` or `os.PathLike`): The file.

    Returns:
        `np.ndarray` of shape `(H, W, 3)`, uint8: RGB.

    Raises:
        VideoError: If the file is no picture, is damaged, has more than 150 million pixels or 65,535 along a side, or
            would take more than 1.05 GB to read.
        FileNotFoundError: If there is no such file.
    """
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no picture file {path}.")
    if not path.is_file():
        raise VideoError(f"{path} is not a file; a picture is one file ({ALLOWED}).")
    if not path.stat().st_size:
        raise VideoError(f"{path} is empty (0 bytes); a picture is one file ({ALLOWED}).")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # a build of Pillow may lack one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags, which do no harm, and of sizes that are allowed here
            with Image.open(path, formats=formats) as image:
                return _read(path, image)
    except VideoError:
        raise
    except UnidentifiedImageError as error:
        raise VideoError(f"{path} is not a picture that can be read. Allowed: {ALLOWED}.") from error
    except Image.DecompressionBombError as error:
        raise VideoError(f"{path} is too large; at most {MAX_PIXELS} pixels are allowed.") from error
    except Exception as error:  # on damaged data Pillow's readers raise errors of every kind
        reason = str(error).rstrip(".") or type(error).__name__
        raise VideoError(f"{path} is a damaged picture, or it is cut short: {reason}.") from error


def picture_size(path: str | os.PathLike) -> tuple[int, int]:
    """Give width and height of an upright picture, in pixels; decodes nothing of it.

    Raises:
        VideoError: If the file is no picture, or its header is damaged.
        OSError: If it can't be read.
    """
    from PIL import ExifTags, Image, UnidentifiedImageError

    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
                # Of a PNG that does not say it in front, Pillow would decode the whole to look behind it.
                says = image.format != "PNG" or "exif" in image.info
                lies = says and image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
                return (image.height, image.width) if lies else (image.width, image.height)
    except UnidentifiedImageError as error:
        raise VideoError(f"{path} is not a picture that can be read. Allowed: {ALLOWED}.") from error
    except OSError:
        raise
    except Image.DecompressionBombError as error:
        raise VideoError(f"{path} is too large; at most {MAX_PIXELS} pixels are allowed.") from error
    except Exception as error:  # on damaged data Pillow's readers raise errors of every kind
        raise VideoError(f"{path} is a damaged picture: {error}.") from error


def over_white(picture: np.ndarray) -> np.ndarray:
    """Lay a picture `(H, W, 4)` uint8 with straight alpha over white; gives `(H, W, 3)` uint8."""
    height, width = picture.shape[:2]
    laid = np.empty((height, width, 3), dtype=np.uint8)
    for rows in _strips(height, width):
        colour, alpha = picture[rows, :, :3].astype(np.uint16), picture[rows, :, 3:].astype(np.uint16)
        laid[rows] = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    return laid


def _read(path: Path, image: "Image") -> np.ndarray:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise VideoError(
            f"{path} is {width}x{height} pixels; at most {MAX_PIXELS} pixels are allowed, and {MAX_SIDE} along a side."
        )
    factor = 1
    while width * height > MAX_PIXELS_GIVEN * factor * factor:
        factor *= 2
    # These two are decoded at the reduced size right away.
    image.draft(None, (width // factor, height // factor))
    if image.format == "JPEG2000":
        image.reduce = factor.bit_length() - 1  # type: ignore[method-assign, assignment]
    needed = _bytes_to_load(image, width * height, factor)
    if needed > MAX_BYTES:
        raise VideoError(
            f"{path} is {width}x{height} pixels as {image.format}, which takes {needed} bytes to read; at most "
            f"{MAX_BYTES} are allowed."
        )
    image.load()
    return _upright(_to_rgb(image, factor * image.width // width), image.getexif().get(ORIENTATION, 1))


def _bytes_to_load(image: "Image", pixels: int, factor: int) -> int:
    """What Pillow takes to decode a picture of so many pixels: for the result, and for what its decoders hold."""
    bytes_of_pixel = BYTES_OF_MODE.get(image.mode, 4) + BYTES_OF_DECODER.get(image.format or "", 0)
    if image.format == "JPEG":
        # The coefficients of all scans.
        whole = 2 * len(image.getbands()) * pixels if image.info.get("progressive") else 0
        return bytes_of_pixel * image.width * image.height + whole
    if image.format == "JPEG2000":
        return bytes_of_pixel * pixels // factor**2
    if image.format == "TIFF":
        # One strip or tile beside the picture.
        tags = image.tag_v2  # type: ignore[attr-defined]
        rows = tags.get(TILE_LENGTH) or min(tags.get(ROWS_PER_STRIP, image.height), image.height)
        bits = sum(tags.get(BITS_PER_SAMPLE, (1,)))
        return bytes_of_pixel * pixels + rows * tags.get(TILE_WIDTH, image.width) * bits // 8
    return bytes_of_pixel * pixels


def _strips(height: int, width: int, multiple: int = 1) -> Iterator[slice]:
    """Cut the rows of a picture into strips that are small enough to be converted at once."""
    rows = max(STRIP_PIXELS // (width * multiple), 1) * multiple
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _to_rgb(image: "Image", factor: int) -> np.ndarray:
    """Convert a picture strip by strip, each reduced by a whole factor."""
    from PIL import Image

    top = _largest_grey(image) if image.mode.startswith(("I", "F")) else 0.0
    picture = np.empty((-(-image.height // factor), -(-image.width // factor), 3), dtype=np.uint8)
    for rows in _strips(image.height, image.width, factor):
        strip = image.crop((0, rows.start, image.width, rows.stop))
        rgb = _strip_to_rgb(strip, top)
        if factor > 1:
            rgb = np.asarray(Image.fromarray(rgb).reduce(factor))
        picture[rows.start // factor : -(-rows.stop // factor)] = rgb
    return picture


def _strip_to_rgb(image: "Image", top: float) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        grey = np.nan_to_num(np.asarray(image).astype(np.float64))
        return np.repeat(np.clip(grey / top * 255 + 0.5, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _largest_grey(image: "Image") -> float:
    """What is white: in 16 bits their largest value; in wider integers and floats by the values that are there."""
    if image.mode.startswith("I;16"):
        return 65535.0
    largest = max(
        float(np.nan_to_num(np.asarray(image.crop((0, rows.start, image.width, rows.stop)))).max())
        for rows in _strips(image.height, image.width)
    )
    if image.mode == "F":
        return 1.0 if largest <= 1 else 255.0
    return next((top for top in (255.0, 65535.0) if largest <= top), float(2**31 - 1))


def _upright(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Apply the orientation of EXIF, 1 to 8: rows and columns swapped from 5 on, then mirrored."""
    if orientation in (5, 6, 7, 8):
        picture = picture.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)
