# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Statistics of a training set that lies on disk as folders of rendered clips."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from unimo_hf.model.pixel_range import to_model_range
from unimo_hf.motion.motion import Motion

from .body_points import BodyModel
from .clip_batches import ClipFiles, ClipReader
from .evaluate_video_fsq import VideoTokenizer
from .training_statistics import TrainingClip, TrainingStatistics, build_training_statistics


@torch.no_grad()
def statistics_from_clips(
    clips: Mapping[str, Sequence[ClipFiles]],
    body: BodyModel,
    video_fsq: VideoTokenizer | None = None,
    *,
    bank_clips: int | None = None,
    batch_size: int = 16,
    progress: bool = True,
    read: Callable[[Path], np.ndarray] | None = None,
) -> TrainingStatistics:
    """Collect what the baselines need from training clips; clips that can't be used are left out with a warning.

    Args:
        clips (`Mapping[str, Sequence[ClipFiles]]`): Clips by the kind of camera that saw them: `front`, `around`.
        body ([`BodyModel`]): The body that moves.
        video_fsq ([`VideoTokenizer`], *optional*): Encodes the videos for the bank; without it there is no bank.
        bank_clips (`int`, *optional*): At most so many clips of each camera go into the bank; default: all.
        batch_size (`int`, *optional*, defaults to 16): Clips at a time.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.
        read (`Callable`, *optional*): Reads the frames of a video file; default: `unimo_hf.video.reading.read_video`.

    Returns:
        [`TrainingStatistics`].

    Raises:
        ValueError: If there are no clips, or clips of the bank differ in shape or fps.
    """

    def training_clips() -> Iterator[TrainingClip]:
        for camera, files in clips.items():
            in_bank = files[:bank_clips] if video_fsq is not None else files[:0]
            if video_fsq is not None and in_bank:
                reader = ClipReader(in_bank, batch_size, True, f"{camera} training clips", progress, read)
                for batch in reader:
                    codes = video_fsq.encode(to_model_range(batch.video).to(video_fsq.device)).cpu()
                    for motion, code in zip(batch.motions, codes, strict=True):
                        yield TrainingClip(camera, motion, code)
                for failure in reader.failures:
                    warnings.warn(f"Left out {failure['input']}: {failure['error']}", stacklevel=2)
            for clip in files[len(in_bank) :]:
                try:
                    motion = Motion.load(clip.motion_path)
                except (ValueError, OSError) as error:
                    warnings.warn(f"Left out {clip.motion_path}: {error}", stacklevel=2)
                else:
                    yield TrainingClip(camera, motion)

    return build_training_statistics(training_clips(), body)
