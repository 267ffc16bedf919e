# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Reading the clips of a folder batch by batch, so that memory does not grow with their number."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tqdm.auto import tqdm

from unimo_hf.motion.motion import Motion


class ClipFiles(Protocol):
    """Where a clip lies: what `unimo_hf.data.clips.load_clips` gives for each clip of a folder."""

    video_path: Path
    motion_path: Path


@dataclass(frozen=True)
class ClipBatch:
    """B clips of T frames.

    Attributes:
        video (`torch.Tensor` of shape `(B, T, H, W, 3)`, uint8): RGB.
        motions (`list[Motion]`): In the camera frame; empty if they were not asked for.
    """

    video: torch.Tensor
    motions: list[Motion]


@dataclass
class ClipReader:
    """Iterates over clips in batches; a clip that can't be used is noted and left out.

    Args:
        clips (`Sequence[ClipFiles]`): The clips; all of one length, size and frame rate.
        batch_size (`int`): Clips of a batch; the last batch may be smaller.
        with_motion (`bool`): Whether to read the motions.
        description (`str`): Shown before the progress bar.
        progress (`bool`): Whether to show a progress bar, on standard error and only where that is a terminal.
        read (`Callable[[Path], np.ndarray]`): Reads the frames `(T, H, W, 3)` of a video file, uint8 RGB.

    Attributes:
        failures (`list[dict[str, str]]`): `input` and `error` of each clip that was left out.
        used (`int`): Clips handed out.
    """

    clips: Sequence[ClipFiles]
    batch_size: int = 16
    with_motion: bool = True
    description: str = "evaluating"
    progress: bool = True
    read: Callable[[Path], np.ndarray] | None = None
    failures: list[dict[str, str]] = field(default_factory=list)
    used: int = 0
    # Frames, height, width and fps of the first good clip, which all others have to share.
    _format: tuple[int, int, int, float] | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}; it must be at least 1.")

    def __iter__(self) -> Iterator[ClipBatch]:
        """Yield batches.

        Raises:
            ValueError: After the last clip, if none could be used.
        """
        self.failures, self.used, self._format = [], 0, None
        frames: list[np.ndarray] = []
        motions: list[Motion] = []
        for clip in tqdm(self.clips, desc=self.description, unit="clip", disable=None if self.progress else True):
            try:
                video, motion = self._load(clip)
            except (ValueError, OSError) as error:
                self.failures.append({"input": str(clip.video_path), "error": " ".join(str(error).split())})
                continue
            frames.append(video)
            motions += [] if motion is None else [motion]
            self.used += 1
            if len(frames) == self.batch_size:
                yield ClipBatch(torch.as_tensor(np.stack(frames)), motions)
                frames, motions = [], []
        if frames:
            yield ClipBatch(torch.as_tensor(np.stack(frames)), motions)
        if not self.used:
            first = f"; the first error: {self.failures[0]['error']}" if self.failures else ""
            raise ValueError(f"None of the {len(self.clips)} clips could be used{first}")

    @property
    def fps(self) -> float:
        """Frames per second of the clips, known once a batch was read with motions."""
        return self._known_format()[3]

    @property
    def total_frames(self) -> int:
        """Frames of all clips that were handed out."""
        return self.used * self._known_format()[0]

    def _known_format(self) -> tuple[int, int, int, float]:
        if self._format is None:
            raise RuntimeError("Length and frame rate of the clips are known after the first batch.")
        return self._format

    def _load(self, clip: ClipFiles) -> tuple[np.ndarray, Motion | None]:
        video = (self.read or _read_frames)(clip.video_path)
        motion = Motion.load(clip.motion_path) if self.with_motion else None
        if motion is not None and motion.coordinates != "camera":
            raise ValueError(f"{clip.motion_path} is in {motion.coordinates!r} coordinates; allowed is 'camera'.")
        if motion is not None and len(motion) != len(video):
            raise ValueError(f"{clip.video_path} has {len(video)} frames, its motion {len(motion)}; must be equal.")
        frames, height, width, _ = video.shape
        found = (frames, height, width, motion.fps if motion is not None else 0.0)
        self._format = self._format or found
        if found != self._format:
            raise ValueError(
                f"{clip.video_path} has (frames, height, width, fps) {found}, the clips before it {self._format}; "
                "clips that are scored together must be alike."
            )
        return video, motion


def _read_frames(path: Path) -> np.ndarray:
    from unimo_hf.video.reading import read_video

    return read_video(path).frames
