# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading pictures with Pillow: upright RGB, whatever the camera or the scanner wrote."""

import os
import warnings
from pathlib import Path

import numpy as np

from .errors import VideoError

ALLOWED = "png, jpeg, webp, bmp, gif, tiff, ppm, avif"
# Pillow's names; its readers for PostScript and the like run other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "AVIF", "JPEG2000")
MAX_PIXELS = 150_000_000


def read_picture(path: str | os.PathLike) -> np.ndarray:
    """Read a picture; of several frames the first.

    EXIF rotation is applied, CMYK, grey and palettes become RGB, more than 8 bits are scaled down, alpha goes over
    white.

    Args:
        path (`str` or `os.PathLike`): The file.

    Returns:
        `np.ndarray` of shape `(H, W, 3)`, uint8: RGB.

    Raises:
        VideoError: If the file is no picture, is damaged, or has more than 150 million pixels.
        FileNotFoundError: If there is no such file.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

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
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=formats) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise VideoError(
                        f"{path} is {image.width}x{image.height} pixels; at most {MAX_PIXELS} pixels are allowed."
                    )
                return _to_rgb(ImageOps.exif_transpose(image))
    except VideoError:
        raise
    except UnidentifiedImageError as error:
        raise VideoError(f"{path} is not a picture that can be read. Allowed: {ALLOWED}.") from error
    except Image.DecompressionBombError as error:
        raise VideoError(f"{path} is too large; at most {MAX_PIXELS} pixels are allowed.") from error
    except Exception as error:  # on damaged data Pillow's readers raise errors of every kind
        raise VideoError(f"{path} is a damaged picture, or it is cut short: {error}.") from error


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
    colour, alpha = picture[..., :3].astype(np.uint16), picture[..., 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _to_rgb(image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):
        return np.repeat(_grey_to_8_bits(np.asarray(image))[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


def _grey_to_8_bits(grey: np.ndarray) -> np.ndarray:
    """Scale grey values: 16-bit ones by their type, wider integers and floats by the range that they use."""
    values = np.nan_to_num(grey.astype(np.float64))
    largest = values.max(initial=0)
    if grey.dtype.itemsize == 2:
        top = 65535.0
    elif grey.dtype.kind == "f":
        top = 1.0 if largest <= 1 else 255.0
    else:
        top = next((top for top in (255.0, 65535.0) if largest <= top), float(2**31 - 1))
    return np.clip(values / top * 255 + 0.5, 0, 255).astype(np.uint8)
