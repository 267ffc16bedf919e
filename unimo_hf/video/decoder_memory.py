# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What decoding a video takes, and how much it may."""

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import VideoError

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

# 8K as cameras and screens have it.
MAX_PIXELS = 8192 * 4320
# What a video may take beside the model, and what of that is for frames in RGB on their way to it, bytes.
MAX_BYTES, READ_BYTES = 1024**3, 200_000_000
# For each pixel of frames that are drawn over: in RGB, and in the encoder.
DRAWN_BYTES_OF_PIXEL = 18
# 2560 x 1440: so large no stream takes too much, whatever it asks for.
HARMLESS_PIXELS = 2560 * 1440
# Each thread has a frame at work.
THREAD_BYTES, MAX_THREADS = 128_000_000, 16
# One frame is decoded while another is handed out.
AT_WORK = 2
# Motion vectors and the like, bytes for each pixel of a frame.
BESIDE_PIXEL = 0.5
# What codecs take for the frame at work, bytes for each pixel.
COEFFICIENTS = {"jpeg2000": 20, "mjpeg": 8}
# Of a format that is not known.
MOST_BITS = 128


def threads_for(context: "VideoCodecContext") -> int:
    """Give the number of threads that may decode at once."""
    pixels = max(context.width * context.height, HARMLESS_PIXELS)
    return int(min(max(THREAD_BYTES // _frame_bytes(context, pixels), 1), MAX_THREADS))


def check_memory(path: Path, context: "VideoCodecContext", kept: int, drawn_pixels: int) -> None:
    """Check what decoding takes, before it does.

    Args:
        path (`Path`): The file.
        context (`VideoCodecContext`): Its decoder.
        kept (`int`): Frames that the stream asks to keep.
        drawn_pixels (`int`): Of a frame, if frames are drawn over and encoded again; else 0.

    Raises:
        VideoError: If it takes more than 1 GB.
    """
    pixels = context.width * context.height
    held = kept + AT_WORK + threads_for(context) - 1
    decoding = held * _frame_bytes(context, pixels) + COEFFICIENTS.get(context.codec.canonical_name, 0) * pixels
    if decoding + max(DRAWN_BYTES_OF_PIXEL * drawn_pixels, READ_BYTES) > MAX_BYTES:
        work = "drawing over its frames" if drawn_pixels else "reading it"
        raise VideoError(
            f"{path} has {context.width}x{context.height} pixels in {context.pix_fmt}, and {context.name} keeps "
            f"{held} frames at once: {work} takes more memory than the {MAX_BYTES} bytes that are allowed."
        )


def _frame_bytes(context: "VideoCodecContext", pixels: int) -> int:
    bits = context.format.padded_bits_per_pixel if context.format else MOST_BITS
    return round(pixels * (bits / 8 + BESIDE_PIXEL))
