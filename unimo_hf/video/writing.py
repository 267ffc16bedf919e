# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Writing videos with PyAV: H.264 that every player shows, whole or not at all."""

import errno
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from unimo_hf.atomic import replace_when_done
from unimo_hf.provenance import Provenance

from .errors import VideoError
from .reading import MAX_FPS, MIN_FPS

SUFFIXES = (".mp4", ".mov", ".mkv")
# Pixel format -> the multiple that height and width must have.
PIXEL_FORMATS = {"yuv420p": 2, "yuv444p": 1}
BT709, LIMITED_RANGE = 1, 1  # FFmpeg's numbers of the colour tags
# Of larger frames, beyond 4K, x264 keeps as few as it can: it does not look ahead, and searches whole pixels of one.
LARGE_PIXELS = 4096 * 2304
FEW_FRAMES = {"tune": "zerolatency", "x264-params": "cpu-independent=1:ref=1:subme=0"}
# x264's AVX-512 reads memory that nothing has written: the same frames gave other bytes from time to time.
EXACT = {"x264-params": "cpu-independent=1"}
# Each thread of x264 has a frame at work.
THREAD_BYTES, THREAD_BYTES_OF_PIXEL = 256_000_000, 12


def write_video(
    path: str | os.PathLike,
    frames: Iterable[np.ndarray],
    fps: float,
    crf: float = 18,
    pixel_format: str = "yuv420p",
    preset: str = "medium",
    threads: int = 0,
    provenance: Provenance | None = None,
) -> int:
    """Write frames as an H.264 video; takes them one at a time, so that they may come from a generator.

    Args:
        path (`str` or `os.PathLike`): A file that ends in `.mp4`, `.mov` or `.mkv`; replaced as a whole when it
            exists.
        frames (iterable of `np.ndarray` of shape `(H, W, 3)`, uint8): RGB, all of one size. An odd height or width is
            made even, where the pixel format needs it, by repeating the last row or column.
        fps (`float`): Frames per second, in [0.1, 1000].
        crf (`float`, *optional*, defaults to 18): Quality of H.264 in [0, 51]; 0 is the best, 18 looks like the
            source.
        pixel_format (`str`, *optional*, defaults to `"yuv420p"`):
            `"yuv420p"` plays everywhere; `"yuv444p"` keeps the colour of every pixel.
        preset (`str`, *optional*, defaults to `"medium"`): x264's preset, `"ultrafast"` to `"veryslow"`.
        threads (`int`, *optional*, defaults to 0): Threads of the encoder; 0 lets it choose.
        provenance ([`Provenance`], *optional*): What says that a model made it; becomes the comment of the file.

    Returns:
        `int`: Number of frames written.

    Raises:
        VideoError: If there are no frames, a frame has another shape or type, or an option is not allowed.
        OSError: If the file can't be written (full disk, no permission).
    """
    path = Path(path)
    _check_options(path, fps, crf, pixel_format)
    import av

    try:
        with replace_when_done(path) as aside, av.open(str(aside), "w", options=_container_options(path)) as container:
            if provenance is not None:
                # The only field that mp4, mov and mkv share, and that stays when one is copied into another.
                container.metadata["comment"] = provenance.to_comment()
            options = {"crf": f"{crf:g}", "preset": preset, **EXACT}
            stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
            count = _encode(container, stream, frames, pixel_format, threads)
    except av.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT, errno.EACCES, errno.EPERM):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise VideoError(f"{path} can't be written: {error.strerror or error}.") from error
    return count


def _check_options(path: Path, fps: float, crf: float, pixel_format: str) -> None:
    if path.suffix not in SUFFIXES:
        raise VideoError(f"A video is written to a file that ends in {', '.join(SUFFIXES)}; found {path}.")
    if not MIN_FPS <= fps <= MAX_FPS:
        raise VideoError(f"fps is {fps}; it must be from {MIN_FPS:g} to {MAX_FPS:g} frames per second.")
    if not 0 <= crf <= 51:
        raise VideoError(f"crf is {crf}; it must be from 0 (best) to 51.")
    if pixel_format not in PIXEL_FORMATS:
        raise VideoError(f"pixel_format is {pixel_format!r}; it must be one of {', '.join(PIXEL_FORMATS)}.")


def _container_options(path: Path) -> dict[str, str]:
    # The index in front lets a browser start before the whole file is there.
    return {} if path.suffix == ".mkv" else {"movflags": "+faststart"}


def _encode(container, stream, frames: Iterable[np.ndarray], pixel_format: str, threads: int) -> int:
    import av
    from av.video.reformatter import Colorspace, VideoReformatter

    reformatter = VideoReformatter()
    count, shape = 0, None
    for frame in frames:
        frame = np.asarray(frame)
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or not frame.size:
            raise VideoError(f"Frame {count} has shape {frame.shape} of {frame.dtype}; it must be (H, W, 3) of uint8.")
        if shape is None:
            shape = frame.shape
            _open_stream(stream, shape, pixel_format, threads)
        if frame.shape != shape:
            raise VideoError(f"Frame {count} has shape {frame.shape}, the first {shape}; all must be of one size.")
        bottom, right = (-shape[0]) % PIXEL_FORMATS[pixel_format], (-shape[1]) % PIXEL_FORMATS[pixel_format]
        if bottom or right:
            frame = np.pad(frame, ((0, bottom), (0, right), (0, 0)), mode="edge")
        picture = reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(frame)),
            format=pixel_format,
            src_color_range="JPEG",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range="MPEG",
        )
        picture.pts, picture.time_base = count, 1 / stream.codec_context.framerate
        del frame
        container.mux(stream.encode(picture))
        del picture  # large ones shall not wait for the next
        count += 1
    if not count:
        raise VideoError("There are 0 frames to write; a video needs at least 1.")
    container.mux(stream.encode())
    return count


def _open_stream(stream, shape: tuple[int, ...], pixel_format: str, threads: int) -> None:
    multiple = PIXEL_FORMATS[pixel_format]
    stream.height, stream.width = shape[0] + (-shape[0]) % multiple, shape[1] + (-shape[1]) % multiple
    stream.pix_fmt = pixel_format
    context, pixels = stream.codec_context, shape[0] * shape[1]
    if pixels > LARGE_PIXELS:
        context.options |= FEW_FRAMES
    elif threads == 0 and _threads_of_x264() * pixels * THREAD_BYTES_OF_PIXEL > THREAD_BYTES:
        threads = max(THREAD_BYTES // (pixels * THREAD_BYTES_OF_PIXEL), 1)
    context.thread_count = threads
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED_RANGE


def _threads_of_x264() -> int:
    """How many it takes by itself."""
    return (os.cpu_count() or 1) * 3 // 2
