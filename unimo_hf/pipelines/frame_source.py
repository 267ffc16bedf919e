# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A video as the model's clock sees it, and the way from the model's clock back to the video's own."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from unimo_hf.motion.motion import Motion
from unimo_hf.provenance import Provenance
from unimo_hf.video.reading import Video, iterate_video, probe_video

# The model's pictures are a small part of this: frames of up to 4K come as they are, larger ones at half their size.
MAX_PIXELS = 4096 * 2304


@dataclass(frozen=True)
class FrameSource:
    """Frames of a video at the model's rate.

    Attributes:
        frames (`Iterator[np.ndarray]`): Of shape `(H, W, 3)`, uint8, at the model's frames per second.
        fps (`float`): The video's own frames per second.
        count (`int`): Frames that the video has, or says it has.
        provenance ([`Provenance`], *optional*): What the video says of where it comes from.
    """

    frames: Iterator[np.ndarray]
    fps: float
    count: int
    provenance: Provenance | None = None


def open_source(video: str | os.PathLike | Video, fps: float) -> FrameSource:
    """Read a video at a given rate: at each moment the frame that is nearest in time.

    Args:
        video (`str`, `os.PathLike` or [`Video`]): A file, or frames in memory.
        fps (`float`): Frames per second to give.

    Returns:
        [`FrameSource`]: A file is read as its frames are taken.

    Raises:
        TypeError: If frames in memory come without a rate.
        ValueError: If a file can't be read ([`VideoError`]), or frames in memory have another form.
    """
    if isinstance(video, np.ndarray):
        raise TypeError("An array of frames says no fps: give Video(frames, fps), of unimo_hf.video.")
    if not isinstance(video, Video):
        info = probe_video(video)
        return FrameSource(iterate_video(info, fps, MAX_PIXELS), info.fps, info.frames, info.provenance)
    frames = np.asarray(video.frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        raise ValueError(
            f"The frames of the video have shape {frames.shape} of {frames.dtype}; they must be (T, H, W, 3) of "
            "uint8, with at least one frame."
        )
    if not video.fps > 0:
        raise ValueError(f"The fps of the video is {video.fps}; it must be above 0.")
    # The last frame lasts half a frame of the source, as in `iterate_video`.
    number = max(1, math.ceil((len(frames) - 0.5) * fps / video.fps - 1e-6))
    nearest = np.floor(np.arange(number) * video.fps / fps + 0.5 + 1e-6).astype(int)
    return FrameSource((frames[min(place, len(frames) - 1)] for place in nearest), float(video.fps), len(frames))


def to_clock_of(source: FrameSource, motion: Motion) -> Motion:
    """Bring a motion at the model's rate to one pose for each frame of its video.

    The number of frames that a file declares is believed as far as the frames that were read allow it. Behind the
    last pose that was estimated, it is held.
    """
    resampled = motion.resample(source.fps)
    most = math.ceil(len(motion) * source.fps / motion.fps - 1e-6)
    missing = min(source.count, most) - len(resampled)
    return Motion.concatenate([resampled, *[replace(motion[-1:], fps=resampled.fps)] * missing])
