# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What the baselines know of the training set: mean joints, and optionally a bank of clips.

It is kept in a small file in a checkpoint folder.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from unimo_hf.atomic import replace_when_done
from unimo_hf.metrics.alignment import root_align
from unimo_hf.motion.motion import Motion

from .baselines import NUM_JOINTS, joints_in_pelvis_frame
from .body_points import BodyModel, body_points, stack_global_orient

STATISTICS_FILE = "evaluation_statistics.safetensors"
FORMAT_VERSION = "1"
BANK_PARAMETERS = ("body_pose", "global_orient", "transl", "betas")


class TrainingClip(NamedTuple):
    """A clip of the training set.

    Attributes:
        camera (`str`): What kind of camera saw it: `front` or `around`.
        motion ([`Motion`]): In the camera frame.
        visual_codes (`torch.LongTensor` of shape `(t, h, w)`, *optional*): Puts the clip into the bank.
    """

    camera: str
    motion: Motion
    visual_codes: torch.Tensor | None = None


@dataclass(frozen=True)
class ClipBank:
    """Training clips to look up, N of them with T frames.

    Attributes:
        visual_codes (`torch.LongTensor` of shape `(N, t, h, w)`): What they look like.
        parameters (`dict[str, torch.Tensor]`): How they move, in the camera frame: `body_pose` (N, T, 63),
            `global_orient` (N, T, 3), `transl` (N, T, 3), `betas` (N, 10).
        fps (`float`): Frames per second.
    """

    visual_codes: torch.Tensor
    parameters: dict[str, torch.Tensor]
    fps: float

    def motion(self, index: int) -> Motion:
        """Motion of a clip of the bank."""
        parameters: dict[str, Any] = {name: values[index].numpy() for name, values in self.parameters.items()}
        return Motion(**parameters, fps=self.fps)


@dataclass(frozen=True)
class TrainingStatistics:
    """Statistics of a training set.

    Attributes:
        mean_joints (`dict[str, torch.Tensor]`): For each kind of camera, the mean root-aligned joints `(22, 3)` in the
            camera frame, metres.
        mean_body_joints (`torch.Tensor` of shape `(22, 3)`): The same in the frame of the pelvis, metres.
        frames (`dict[str, int]`): Frames that each mean was taken over, by kind of camera.
        bank ([`ClipBank`], *optional*): Clips for the nearest-clip baseline.
    """

    mean_joints: dict[str, torch.Tensor]
    mean_body_joints: torch.Tensor
    frames: dict[str, int] = field(default_factory=dict)
    bank: ClipBank | None = None

    def save(self, path: str | os.PathLike) -> None:
        """Write a safetensors file; a folder gets it under the name that [`load`] looks for.

        Raises:
            OSError: If the file can't be written.
        """
        from safetensors.torch import save_file

        tensors = {f"mean_joints.{camera}": joints.float() for camera, joints in self.mean_joints.items()}
        tensors["mean_body_joints"] = self.mean_body_joints.float()
        metadata = {"format_version": FORMAT_VERSION, "frames": json.dumps(self.frames)}
        if self.bank is not None:
            tensors["bank.visual_codes"] = self.bank.visual_codes.int()  # codebooks are smaller than 2³¹
            tensors |= {f"bank.{name}": values.float() for name, values in self.bank.parameters.items()}
            metadata["bank_fps"] = repr(self.bank.fps)
        with replace_when_done(_file_of(path)) as aside:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, aside, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "TrainingStatistics":
        """Read what [`save`] wrote.

        Args:
            path (`str` or `os.PathLike`): The file, or the checkpoint folder that holds it.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, of another format, or a part is missing; names the file.
        """
        from safetensors import SafetensorError, safe_open

        file = _file_of(path)
        if not file.is_file():
            raise FileNotFoundError(f"There is no file {file} with statistics of the training set.")
        try:
            with safe_open(file, framework="pt") as archive:
                metadata = archive.metadata() or {}
                names = archive.keys()
                tensors = {name: archive.get_tensor(name) for name in names}
        except SafetensorError as error:
            raise ValueError(f"{file} is no readable safetensors file: {error}") from error
        if metadata.get("format_version") != FORMAT_VERSION:
            found = metadata.get("format_version")
            raise ValueError(f"{file} has format {found!r}; this version reads {FORMAT_VERSION!r}.")
        try:
            return cls._from_tensors(tensors, metadata)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{file} lacks a part or holds a wrong one: {error}") from error

    @classmethod
    def _from_tensors(cls, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> "TrainingStatistics":
        prefix = "mean_joints."
        means = {name.removeprefix(prefix): joints for name, joints in tensors.items() if name.startswith(prefix)}
        bank = None
        if "bank.visual_codes" in tensors:
            parameters = {name: tensors[f"bank.{name}"] for name in BANK_PARAMETERS}
            bank = ClipBank(tensors["bank.visual_codes"].long(), parameters, float(metadata["bank_fps"]))
        return cls(
            mean_joints=means,
            mean_body_joints=tensors["mean_body_joints"],
            frames={camera: int(count) for camera, count in json.loads(metadata["frames"]).items()},
            bank=bank,
        )


def build_training_statistics(
    clips: Iterable[TrainingClip], body: BodyModel, bank_clips: int | None = None
) -> TrainingStatistics:
    """Go through the training clips once and keep sums; frames count equally.

    Args:
        clips (`Iterable[TrainingClip]`): At least one.
        body ([`BodyModel`]): The body that moves.
        bank_clips (`int`, *optional*): At most so many clips go into the bank, the first that have codes; default:
            all.

    Raises:
        ValueError: If there are no clips, a motion is not in the camera frame, or clips of the bank differ in shape.
    """
    sums: dict[str, torch.Tensor] = {}
    frames: dict[str, int] = {}
    body_sum = torch.zeros(NUM_JOINTS, 3, dtype=torch.float64)
    bank: list[tuple[Motion, torch.Tensor]] = []
    for clip in clips:
        if clip.motion.coordinates != "camera":
            raise ValueError(f"A training clip is in {clip.motion.coordinates!r} coordinates; they must be 'camera'.")
        joints = body_points([clip.motion], body, with_vertices=False).joints
        aligned = root_align(joints, joints).double().sum(dim=(0, 1))
        sums[clip.camera] = sums[clip.camera] + aligned if clip.camera in sums else aligned
        frames[clip.camera] = frames.get(clip.camera, 0) + len(clip.motion)
        body_sum += joints_in_pelvis_frame(joints, stack_global_orient([clip.motion])).sum(dim=(0, 1))
        if clip.visual_codes is not None and (bank_clips is None or len(bank) < bank_clips):
            bank.append((clip.motion, clip.visual_codes.cpu().long()))
    if not frames:
        raise ValueError("There are no training clips; statistics need at least one.")
    return TrainingStatistics(
        mean_joints={camera: total / frames[camera] for camera, total in sums.items()},
        mean_body_joints=body_sum / sum(frames.values()),
        frames=frames,
        bank=_build_bank(bank) if bank else None,
    )


def _build_bank(clips: Sequence[tuple[Motion, torch.Tensor]]) -> ClipBank:
    found = sorted({(len(motion), motion.fps, tuple(codes.shape)) for motion, codes in clips})
    if len(found) > 1:
        raise ValueError(f"Clips of the bank differ in frames, fps or codes: {found[:4]}; they must be the same.")
    parameters = {
        name: torch.as_tensor(np.stack([getattr(motion, name) for motion, _ in clips])) for name in BANK_PARAMETERS
    }
    return ClipBank(torch.stack([codes for _, codes in clips]), parameters, clips[0][0].fps)


def _file_of(path: str | os.PathLike) -> Path:
    path = Path(path)
    return path if path.suffix == ".safetensors" else path / STATISTICS_FILE
