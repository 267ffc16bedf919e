# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A folder of rendered clips: videos, their motion in the camera frame, and one file that lists them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import torch

from unimo_hf.motion.motion import Motion

FORMAT_VERSION = 1
LIST = "clips.json"


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

    def __init__(self, folder: Path, facts: dict):
        self.folder = folder
        self.camera, self.size = str(facts["camera"]), int(facts["size"])
        self.frames, self.fps, self.seed = int(facts["frames"]), float(facts["fps"]), int(facts["seed"])
        self._clips = [
            ClipFiles(
                str(clip["name"]),
                folder / str(clip["video"]),
                folder / str(clip["motion"]),
                str(clip["source"]),
                float(clip["start"]),
            )
            for clip in facts["clips"]
        ]

    def __len__(self) -> int:
        return len(self._clips)

    @overload
    def __getitem__(self, index: int) -> ClipFiles: ...
    @overload
    def __getitem__(self, index: slice) -> list[ClipFiles]: ...
    def __getitem__(self, index):
        """One clip, or a list of them."""
        return self._clips[index]

    def __iter__(self) -> Iterator[ClipFiles]:
        return iter(self._clips)


def load_clips(folder: str | Path) -> ClipFolder:
    """Read the list of a clip folder.

    Raises:
        ValueError: If the folder has no list, or one of another format.
    """
    folder = Path(folder)
    path = folder / LIST
    if not path.exists():
        raise ValueError(f"{folder} is no folder of clips: {LIST} is missing. `unimo data render` makes one.")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"format_version is {facts.get('format_version')!r}; {FORMAT_VERSION} is needed")
        clips = ClipFolder(folder, facts)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} lacks a field, or holds one of the wrong kind: {error!r}.") from error
    except ValueError as error:
        raise ValueError(f"{path} is not a list of clips: {error}.") from error
    if not len(clips):
        raise ValueError(f"{path} lists 0 clips.")
    return clips
