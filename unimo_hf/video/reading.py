# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading videos with PyAV, frame by frame: whatever a phone, a camera or a browser writes comes out as upright RGB.

Dealt with: rotation and mirror tags, pixels that are not square, variable frame rate, streams that change their size,
alpha (over white), grey, more than 8 bits, full and limited range, BT.601 and BT.709 colours.
"""

import itertools
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from unimo_hf.provenance import Provenance

from .clock import MAX_FPS, MIN_FPS, TIE, PacketStamps, are_stamps_guessed, is_step, rate_and_count
from .declared_length import declared_length
from .decoder_memory import HARMLESS_PIXELS, MAX_PIXELS, check_memory, threads_for
from .errors import VideoError
from .kept_frames import KeptFrames
from .mp4_tables import check_mp4_tables
from .pictures import over_white

if TYPE_CHECKING:
    import av
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

ALLOWED = "mp4, mkv, webm, mov, avi, ts, gif"
# Only formats that hold their frames themselves: playlists would open other files and addresses, and FFmpeg shows
# plain text as a film. These are FFmpeg's names.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,h264,hevc,ivf,mxf,nut"
MAX_BYTES = 8 * 1024**3


@dataclass(frozen=True)
class VideoInfo:
    """What a video is like.

    Attributes:
        path (`Path`): The file.
        width (`int`): Pixels, upright and square.
        height (`int`): Pixels, upright and square.
        fps (`float`): Frames per second, the average where it varies.
        frames (`int`): Number of frames at that rate: as many as [`iterate_video`] gives of a file that is whole.
        duration (`float`): Seconds.
        comment (`str`): What the file says of itself.
    """

    path: Path
    width: int
    height: int
    fps: float
    frames: int
    duration: float
    comment: str = ""

    @property
    def provenance(self) -> Provenance | None:
        """What says that a model made it; `None` if the file does not. Raises `VideoError` if that is damaged."""
        try:
            return Provenance.from_comment(self.comment)
        except ValueError as error:
            raise VideoError(f"The comment of {self.path} holds a damaged record: {error}") from error


class Video(NamedTuple):
    """Frames in memory.

    Attributes:
        frames (`np.ndarray` of shape `(T, H, W, 3)`, uint8): RGB.
        fps (`float`): Frames per second.
    """

    frames: np.ndarray
    fps: float


def probe_video(path: str | os.PathLike) -> VideoInfo:
    """Say what a video is like. Decodes one frame, and reads when all others are shown, whatever the header says.

    Args:
        path (`str` or `os.PathLike`): The file.

    Returns:
        [`VideoInfo`].

    Raises:
        VideoError: If the file is no video, is damaged, or has no frames.
        FileNotFoundError: If there is no such file.
    """
    first = None
    with _open(path) as (container, stream):
        stamps = PacketStamps(container, stream)
        for packet in _packets(path, container, stream):
            stamps.add(packet)
            if first is None:
                first = next(iter(packet.decode()), None)
        if first is None:
            raise VideoError(f"{path} has a video stream but no frame that can be decoded.")
        height, width = _upright_size(first, stream.sample_aspect_ratio)
        comment = next((text for name, text in container.metadata.items() if name.lower() == "comment"), "")
        fps, frames = rate_and_count(stamps.steps(first.pts), stream.average_rate)
    return VideoInfo(Path(path), width, height, fps, frames, frames / fps, comment)


def iterate_video(
    path: str | os.PathLike | VideoInfo, fps: float | None = None, max_pixels: int | None = None
) -> Iterator[np.ndarray]:
    """Read a video of any length frame by frame; needs no more memory for an hour than for a minute.

    Frames stand at a constant rate: at each moment the frame that is nearest in time, so that a variable frame rate
    keeps its speed, and a video at a constant rate read at its own rate gives each frame once.

    Args:
        path (`str`, `os.PathLike` or [`VideoInfo`]): The file, or what [`probe_video`] found in it, which saves time.
        fps (`float`, *optional*): Frames per second to give, in [0.1, 1000]. Default: `probe_video(path).fps`.
        max_pixels (`int`, *optional*): Of a frame; larger ones are given at a half, a third, … of their size.

    Yields:
        `np.ndarray` of shape `(H, W, 3)`, uint8: RGB, upright, all of the size that [`probe_video`] gives, or reduced.
            A frame that comes several times is one array, which can't be written to.

    Raises:
        VideoError: If the file is no video, is damaged or cut short, has no frames, or would take over 1 GB to decode.
        FileNotFoundError: If there is no such file.
    """
    info = path if isinstance(path, VideoInfo) else probe_video(path)
    if fps is not None and not MIN_FPS <= fps <= MAX_FPS:
        raise VideoError(f"fps is {fps}; it must be from {MIN_FPS:g} to {MAX_FPS:g} frames per second.")
    rate = info.fps if fps is None else float(fps)
    factor = math.ceil(math.sqrt(info.width * info.height / max_pixels)) if max_pixels else 1
    yield from _iterate(info, rate, max(factor, 1))


def iterate_to_draw(info: VideoInfo) -> Iterator[np.ndarray]:
    """Read a video as [`iterate_video`] does, if there is room for drawing over its frames and encoding them."""
    return _iterate(info, info.fps, drawn_pixels=info.height * info.width)


def _iterate(info: VideoInfo, rate: float, factor: int = 1, drawn_pixels: int = 0) -> Iterator[np.ndarray]:
    to_rgb = _ToRGB(math.ceil(info.height / factor), math.ceil(info.width / factor))
    for frame, times in _nearest(_timed_frames(info, drawn_pixels), rate, info.fps):
        # A frame that is shown once is not held here while the caller works on it.
        if times == 1:
            yield to_rgb(frame)
        else:
            picture = to_rgb(frame)
            picture.setflags(write=False)
            yield from itertools.repeat(picture, times)
            del picture


def read_video(path: str | os.PathLike, fps: float | None = None, max_frames: int | None = None) -> Video:
    """Read a video into memory.

    Args:
        path (`str` or `os.PathLike`): The file.
        fps (`float`, *optional*): Frames per second to give. Default: the video's own, [`iterate_video`].
        max_frames (`int`, *optional*): Stop after so many frames.

    Returns:
        [`Video`]: `frames` (T, H, W, 3) uint8 and `fps`.

    Raises:
        VideoError: As [`iterate_video`]; and if the frames would take more than 8 GiB.
        FileNotFoundError: If there is no such file.
    """
    if max_frames is not None and max_frames < 1:
        raise VideoError(f"max_frames is {max_frames}; it must be at least 1.")
    info = probe_video(path)
    rate = info.fps if fps is None else float(fps)
    frames: list[np.ndarray] = []
    size = 0
    for frame in iterate_video(info, fps):
        frames.append(frame)
        size += frame.nbytes
        if size > MAX_BYTES:
            raise VideoError(
                f"{path} takes more than {MAX_BYTES} bytes in memory; read it with iterate_video or max_frames."
            )
        if len(frames) == max_frames:
            break
    return Video(np.stack(frames), rate)


@contextmanager
def _open(path: str | os.PathLike) -> Iterator[tuple["av.container.InputContainer", "VideoStream"]]:
    """Open a file and find its video stream; FFmpeg's errors, also those of the block, become `VideoError`."""
    import av

    path = Path(path)
    _check_file(path)
    # The prefix keeps FFmpeg from reading names such as "concat:…" as addresses.
    address = f"file:{path.resolve()}"
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file", "max_pixels": str(_filled(MAX_PIXELS))}
    try:
        with av.open(address, options=options, metadata_errors="ignore") as container:
            stream = _video_stream(path, container)
            width, height = stream.width, stream.height
            if not width:
                # FFmpeg gave up, maybe since a frame is too large; without decoding it believes the header.
                with av.open(
                    address, options=options | {"codec_whitelist": "none"}, metadata_errors="ignore"
                ) as header:
                    width, height = header.streams[stream.index].width, header.streams[stream.index].height
            _check_size(path, width, height, MAX_PIXELS)
            context = stream.codec_context
            context.thread_type, context.thread_count = "AUTO", threads_for(context)
            # A stream may change its size, but not from a small one to any.
            most = _filled(max(width * height, HARMLESS_PIXELS))
            context.options = {"max_pixels": str(most)}
            try:
                yield container, stream
            except av.FFmpegError:
                _check_size(path, context.width, context.height, most)
                raise
            _check_size(path, context.width, context.height, most)
    except av.FFmpegError as error:
        reason = error.strerror or type(error).__name__
        raise VideoError(
            f"{path} is not a video that can be read, or it is cut short: {reason}. Allowed: {ALLOWED}."
        ) from error


def _check_file(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"There is no video file {path}.")
    if not path.is_file():
        raise VideoError(f"{path} is not a file; a video is one file ({ALLOWED}).")
    size, declared = path.stat().st_size, declared_length(path)
    if not size:
        raise VideoError(f"{path} is empty (0 bytes); a video is one file ({ALLOWED}).")
    if size < declared:
        raise VideoError(f"{path} is cut short: it has {size} bytes and declares {declared}.")
    check_mp4_tables(path)


def _check_size(path: Path, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise VideoError(f"{path} has frames of {width}x{height} pixels; at most {most} pixels are allowed.")


def _video_stream(path: Path, container: "av.container.InputContainer") -> "VideoStream":
    from av.stream import Disposition

    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        found = sorted({stream.type for stream in container.streams}) or ["nothing"]
        cover = " (and a cover picture)" if container.streams.video else ""
        raise VideoError(f"{path} has no video stream: found {', '.join(found)}{cover}.")
    if streams[0].codec_context is None:
        raise VideoError(f"{path} holds a video in a coding that this FFmpeg does not know.")
    return streams[0]


def _filled(pixels: int) -> int:
    """Pixels of a frame whose last blocks are filled up; not even a codec with large ones adds more."""
    return pixels * 9 // 8


def _packets(
    path: str | os.PathLike, container: "av.container.InputContainer", stream: "VideoStream", drawn_pixels: int = 0
) -> Iterator["av.Packet"]:
    """Give the packets of a stream as long as decoding them takes no more memory than is allowed."""
    large = stream.width * stream.height > HARMLESS_PIXELS
    kept_frames = KeptFrames(stream) if large else None
    for packet in container.demux(stream):
        if kept_frames is not None:
            check_memory(Path(path), stream.codec_context, kept_frames.after(packet), drawn_pixels)
        yield packet


def _timed_frames(info: VideoInfo, drawn_pixels: int) -> Iterator[tuple[float, "VideoFrame"]]:
    """Give (seconds since the first frame, frame)."""
    previous_stamp: float | None = None
    time = 0.0
    with _open(info.path) as (container, stream):
        guessed = are_stamps_guessed(container, stream)
        for packet in _packets(info.path, container, stream, drawn_pixels):
            for frame in packet.decode():
                stamp = math.nan if frame.pts is None or guessed else float(frame.pts * frame.time_base)
                if previous_stamp is not None:
                    step = stamp - previous_stamp
                    time += step if is_step(step) else 1 / info.fps
                previous_stamp = stamp
                yield time, frame
    if previous_stamp is None:
        raise VideoError(f"{info.path} has a video stream but no frame that can be decoded.")


def _nearest(
    timed: Iterator[tuple[float, "VideoFrame"]], rate: float, source_rate: float
) -> Iterator[tuple["VideoFrame", int]]:
    """Give each frame that is the nearest one at some time k / rate, and at how many such times.

    The last frame lasts half a frame of the source.
    """
    given = 0
    time, frame = 0.0, None
    for next_time, next_frame in timed:
        if frame is not None:
            times = _times_before((time + next_time) / 2, rate, given)
            if times:
                yield frame, times
            given += times
        time, frame = next_time, next_frame
    times = _times_before(time + 0.5 / source_rate, rate, given)
    if frame is not None and (times or not given):
        yield frame, max(times, 1)


def _times_before(end: float, rate: float, given: int) -> int:
    """Count the times k / rate before `end` from k = `given` on; one at the end itself falls to what comes next."""
    return max(math.ceil((end - TIE) * rate) - given, 0)


class _ToRGB:
    """Converts decoded frames to upright RGB of one size; keeps FFmpeg's scaler from frame to frame.

    Args:
        height (`int`): Of the upright picture, pixels.
        width (`int`): Of the upright picture, pixels.
    """

    def __init__(self, height: int, width: int):
        from av.video.reformatter import VideoReformatter

        self.height, self.width = height, width
        self._reformatter = VideoReformatter()

    def __call__(self, frame: "VideoFrame") -> np.ndarray:
        """Give `(H, W, 3)` uint8."""
        transposed, flip_columns, flip_rows = _orientation(frame)
        width, height = (self.height, self.width) if transposed else (self.width, self.height)
        alpha = any(component.is_alpha for component in frame.format.components) or frame.format.name == "pal8"
        converted = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgba" if alpha else "rgb24",
            interpolation="BICUBIC" if (width, height) != (frame.width, frame.height) else "BILINEAR",
            dst_color_range="JPEG",
        )
        picture = converted.to_ndarray()
        if alpha:
            picture = over_white(picture)
        if transposed:
            picture = picture.swapaxes(0, 1)
        return np.ascontiguousarray(picture[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])


def _orientation(frame: "VideoFrame") -> tuple[bool, bool, bool]:
    """Give (swap rows and columns, then mirror columns, then mirror rows) that makes a frame stand upright.

    FFmpeg's display matrix maps a pixel (x, y), y down, to (a x + c y, b x + d y) and is stored as a, b, u, c, d, v,
    x, y, w in fixed point; angles between quarter turns go to the nearest one.
    """
    from av.sidedata.sidedata import SideDataContainer

    # Not `frame.side_data`: that and its frame would hold each other in memory.
    side_data = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
    if side_data is None:
        return False, False, False
    a, b, _, c, d = (int(value) for value in np.frombuffer(memoryview(side_data), dtype=np.int32)[:5])  # type: ignore[arg-type]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _upright_size(frame: "VideoFrame", aspect: Fraction | None) -> tuple[int, int]:
    """Give height and width of a frame that stands upright and has square pixels, `aspect` wide as they are high."""
    width = round(frame.width * aspect) if aspect and Fraction(1, 8) < aspect < 8 else frame.width
    height, width = frame.height, max(width, 1)
    if width * height > MAX_PIXELS:
        raise VideoError(f"A frame has {width}x{height} pixels; at most {MAX_PIXELS} pixels are allowed.")
    return (width, height) if _orientation(frame)[0] else (height, width)
