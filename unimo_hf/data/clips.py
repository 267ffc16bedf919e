# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A folder of rendered clips: videos, their motion in the camera frame, and one file that lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch

from unimo_hf.data.scene import CAMERA_RANGES
from unimo_hf.json_files import check_plain_name, read_json_object
from unimo_hf.model.number_ranges import FPS, NATURAL, SIZE, WEIGHT, shown
from unimo_hf.motion.motion import Motion

FORMAT_VERSION = 1
LIST = "clips.json"
MOST_BYTES = 2**25  # 250,000 clips
_RANGES = {"size": SIZE, "frames": SIZE, "fps": FPS, "seed": NATURAL}


@dataclass(frozen=True)
class ClipFiles:
    """Where a clip lies.

    Attributes:
        name (`str`): Of the clip.
        video_path (`Path`): Its frames.
        motion_path (`Path`): Its motion, camera frame.
        source (`str`): The motion it was cut from.
        start (`float`): Where in the source it begins, seconds.
    """

    name: str
    video_path: Path
    motion_path: Path
    source: str
    start: float

    def load(self) -> dict[str, torch.Tensor]:
        """The clip as training takes it.

        Returns:
            `dict`: `video` (T, S, S, 3) uint8 and the SMPL-X parameters (T, ...) float32 in the camera frame.

        Raises:
            ValueError: If a file is damaged, or the video and its motion have different lengths.
        """
        from unimo_hf.video.reading import read_video

        motion = Motion.load(self.motion_path)
        frames = read_video(self.video_path).frames
        if len(frames) != len(motion):
            raise ValueError(f"{self.video_path} has {len(frames)} frames, its motion {len(motion)}; must be equal.")
        return {
            "video": torch.as_tensor(np.array(frames)),
            **{key: torch.as_tensor(getattr(motion, key)) for key in ("body_pose", "global_orient", "transl")},
            "betas": torch.as_tensor(motion.betas).expand(len(motion), -1),
        }


class ClipFolder(Sequence[ClipFiles]):
    """The clips of a folder, and what they have in common.

    Attributes:
        camera (`str`): `front` or `around`.
        size (`int`): Side of the pictures, pixels.
        frames (`int`): Frames of a clip.
        fps (`float`): Frames per second.
        seed (`int`): Seed of the drawing.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]):
        self.folder = folder
        for name, allowed in _RANGES.items():
            allowed.check(name, facts.get(name))
        self.size, self.frames, self.fps, self.seed = (facts[name] for name in _RANGES)
        camera, clips = facts.get("camera"), facts.get("clips")
        if not isinstance(camera, str) or camera not in CAMERA_RANGES:
            raise ValueError(f"camera is {shown(camera)}; allowed are {sorted(CAMERA_RANGES)}.")
        if not isinstance(clips, list):
            raise ValueError(f"clips is {shown(clips)}; a list is needed.")
        for number, clip in enumerate(clips):
            _check_clip(clip, f"clips[{number}]")
        self.camera, self._clips = camera, clips

    def __len__(self) -> int:
        return len(self._clips)

    @overload
    def __getitem__(self, index: int) -> ClipFiles: ...
    @overload
    def __getitem__(self, index: slice) -> list[ClipFiles]: ...
    def __getitem__(self, index):
        """One clip, or a list of them."""
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        clip = self._clips[index]
        files = (self.folder / clip["video"], self.folder / clip["motion"])
        return ClipFiles(clip["name"], *files, clip["source"], float(clip["start"]))


def _check_clip(clip: Any, where: str) -> None:
    if not isinstance(clip, dict):
        raise ValueError(f"{where} is {shown(clip)}; an object is needed.")
    for name in ("name", "source"):
        if not isinstance(clip.get(name), str) or not clip[name].isprintable():
            raise ValueError(f"{where}.{name} is {shown(clip.get(name))}; text of one line is needed.")
    for name in ("video", "motion"):
        check_plain_name(clip.get(name), f"{where}.{name}")
    WEIGHT.check(f"{where}.start", clip.get("start"))


def load_clips(folder: str | Path) -> ClipFolder:
    """Read the list of a clip folder.

    Raises:
        ValueError: If the folder has no list, or one of another format, or a field is missing or none that it may be;
            names the field.
    """
    folder = Path(folder)
    path = folder / LIST
    if not path.exists():
        raise ValueError(f"{folder} is no folder of clips: {LIST} is missing. `unimo data render` makes one.")
    facts = read_json_object(path, MOST_BYTES)
    if (found := facts.get("format_version")) != FORMAT_VERSION or isinstance(found, bool):
        raise ValueError(f"{path}: format_version is {shown(found)}; {FORMAT_VERSION} is needed.")
    try:
        clips = ClipFolder(folder, facts)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not len(clips):
        raise ValueError(f"{path} lists 0 clips.")
    return clips
