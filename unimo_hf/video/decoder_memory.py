# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What decoding a video takes, and how much it may."""

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import VideoError

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

# 8K as cameras and screens have it.
MAX_PIXELS = 8192 * 4320
# What a video may take beside the model, bytes.
MAX_BYTES = 1_050_000_000
# For each pixel of frames that are worked on at their own size: in RGB, before and behind, and in the encoder.
BYTES_AT_OWN_SIZE = 17
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


def check_memory(path: Path, context: "VideoCodecContext", kept: int, at_own_size: bool) -> None:
    """Check what decoding takes, before it does.

    Args:
        path (`Path`): The file.
        context (`VideoCodecContext`): Its decoder.
        kept (`int`): Frames that the stream asks to keep.
        at_own_size (`bool`): Whether its frames are worked on at their own size.

    Raises:
        VideoError: If it takes more than about 1 GB.
    """
    pixels = context.width * context.height
    held = kept + AT_WORK + threads_for(context) - 1
    needed = held * _frame_bytes(context, pixels) + COEFFICIENTS.get(context.codec.canonical_name, 0) * pixels
    if needed + (BYTES_AT_OWN_SIZE * pixels if at_own_size else 0) > MAX_BYTES:
        work = "and drawing over its frames " if at_own_size else ""
        raise VideoError(
            f"{path} has {context.width}x{context.height} pixels as {context.pix_fmt} and keeps {kept} frames for "
            f"others; decoding it {work}takes more than {MAX_BYTES / 1e9:g} GB, which is not allowed."
        )


def _frame_bytes(context: "VideoCodecContext", pixels: int) -> int:
    bits = context.format.padded_bits_per_pixel if context.format else MOST_BITS
    return round(pixels * (bits / 8 + BESIDE_PIXEL))
