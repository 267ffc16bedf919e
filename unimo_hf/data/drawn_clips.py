# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Synthetic clips as a training set: drawn on demand, and kept on disk when a folder for them is named."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from unimo_hf.data.synthetic import ClipSettings, ClipSource

PARAMETERS = {"body_pose": 63, "global_orient": 3, "transl": 3, "betas": 10}


class DrawnClips(Dataset):
    """Clips 0 ... n-1 of a [`ClipSource`].

    Args:
        source ([`ClipSource`]): Draws the clips.
        clips (`int`): Number of different clips.
        cache (`Path`, *optional*): Folder that keeps drawn clips (about 0.8 MB for 17 frames at 128 pixels). Clips
            found there are not drawn again, in this or a later run. Without it every clip is drawn each time.

    Raises:
        ValueError: If the folder holds clips of another size or length, or fewer of them.
    """

    def __init__(self, source: ClipSource, clips: int, cache: Path | None = None):
        self.source, self.clips = source, clips
        self._kept = None if cache is None else _Kept.open(cache, clips, source.settings)

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """A clip: `video` (T, S, S, 3) uint8 and the SMPL-X parameters (T, ...) float32 in the camera frame."""
        kept = self._kept
        if kept is not None and kept.drawn[index]:
            video, parameters = kept.video[index], kept.parameters[index]
        else:
            clip = self.source.draw(index)
            motion, video = clip.motion, clip.video
            betas = np.broadcast_to(motion.betas, (len(video), 10))
            parameters = np.concatenate((motion.body_pose, motion.global_orient, motion.transl, betas), axis=1)
            if kept is not None:
                kept.video[index], kept.parameters[index] = video, parameters
                kept.drawn[index] = True  # last, so that a stop in between leaves no half clip
        split = torch.as_tensor(np.array(parameters)).split(list(PARAMETERS.values()), dim=1)
        return {"video": torch.as_tensor(np.array(video)), **dict(zip(PARAMETERS, split, strict=True))}


class _Kept(NamedTuple):
    """Arrays on disk: drawn clips, and which of them are there."""

    video: np.ndarray  # (clips, T, S, S, 3) uint8
    parameters: np.ndarray  # (clips, T, 79) float32
    drawn: np.ndarray  # (clips,) bool

    @classmethod
    def open(cls, folder: Path, clips: int, settings: ClipSettings) -> "_Kept":
        picture = (settings.size, settings.size, 3)
        return cls(
            _open_array(folder / "video.npy", (clips, settings.frames, *picture), np.uint8),
            _open_array(folder / "parameters.npy", (clips, settings.frames, sum(PARAMETERS.values())), np.float32),
            _open_array(folder / "drawn.npy", (clips,), np.bool_),
        )


def _open_array(path: Path, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    array = np.lib.format.open_memmap(path, mode="r+")
    # Clip i is the same however many there are: a longer set serves a shorter one.
    if len(array) < shape[0] or array.shape[1:] != shape[1:] or array.dtype != dtype:
        raise ValueError(f"{path} holds {array.dtype} {array.shape}; this recipe needs {np.dtype(dtype)} {shape}.")
    return array
