# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a user holds of each modality (a path, a picture, a motion), as codes and back: one class a modality."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unimo_hf.model.modalities import Modality
from unimo_hf.model.pad_resize import PadResize
from unimo_hf.motion.motion import Motion
from unimo_hf.motion.motion_frames import frames_to_motions, motions_to_frames
from unimo_hf.pipelines.frame_source import FrameSource, open_source
from unimo_hf.pipelines.unimo_parts import PathLike, UniMoParts
from unimo_hf.provenance import Provenance
from unimo_hf.video.pictures import read_picture
from unimo_hf.video.reading import Video

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Given:
    """A value of a modality that was read.

    Attributes:
        codes (`torch.LongTensor` of shape `(1, ticks, …)`): Its codes.
        geometry (`PadResize`, *optional*): How a picture lies in the square.
        provenance ([`Provenance`], *optional*): What it says of where it comes from.
    """

    codes: torch.LongTensor
    geometry: PadResize | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True)
class Making:
    """What decoded data needs to become a user's value.

    Attributes:
        provenance ([`Provenance`]): What made it.
        geometry (`PadResize`, *optional*): How the picture that it began with lies in the square.
        of_video (`Mapping[str, Any]`): Options of [`UniMoParts.decode_video`].
    """

    provenance: Provenance
    geometry: PadResize | None = None
    of_video: Mapping[str, Any] = field(default_factory=dict)


class ModalityValues:
    """A modality that nothing else is known of: a value is the data of one clip, a tensor without a batch axis.

    Args:
        unimo ([`UniMoParts`]): Holds the tokenizers.
        kind ([`Modality`]): The modality.

    Attributes:
        names (`tuple[str, ...]`): What a call may name a value.
    """

    def __init__(self, unimo: UniMoParts, kind: Modality):
        self.unimo, self.kind, self.tokenizer = unimo, kind, unimo.tokenizers[kind.name]
        self.names: tuple[str, ...] = (kind.name,)

    def read(self, name: str, value: Any, ticks: int | None) -> Given:
        """Turn a value into codes.

        Args:
            name (`str`): What the call named it.
            value: What a user holds.
            ticks (`int`, *optional*): The first so many are asked for; all by default.
        """
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"`{name}` is a {type(value).__name__}; a tensor that its tokenizer encodes is needed.")
        return Given(self.tokenizer.encode(value[None]))

    def write(self, codes: torch.LongTensor, making: Making) -> Any:
        """Turn the codes `(1, ticks, rows, columns)` of a clip into a value; `(1, codes)` of one without a clock."""
        if not self.kind.has_clock:
            codes = codes[:, : int((codes[0] >= 0).sum())]  # up to its end
        return self.tokenizer.decode(codes)[0]


class VisualValues(ModalityValues):
    """`video`: a file or a [`Video`]; `image`: a file, a `PIL.Image.Image`, or an array. Comes back as a [`Video`]."""

    def __init__(self, unimo: UniMoParts, kind: Modality):
        super().__init__(unimo, kind)
        self.names = ("video", "image")

    def open(self, name: str, value: Any) -> FrameSource:
        """Frames at the model's rate, of a video of any length; a picture is a video of one frame."""
        if name == "video":
            return open_source(value, self.unimo.fps)
        return FrameSource(iter(_pixels(value)[None]), self.unimo.fps, 1)

    def read(self, name: str, value: Any, ticks: int | None) -> Given:
        """Encode one clip, which a shorter video fills up with its last frame."""
        source, processor = self.open(name, value), self.unimo.processor
        most = processor.frames if ticks is None else self.kind.frames_in(ticks)
        frames = [frame.copy() for frame in islice(source.frames, most if ticks is not None else most + 1)]
        if len(frames) > most:
            raise ValueError(
                f"`{name}` has more than {most} frames at {self.unimo.fps:g} fps; this task takes one clip of those."
            )
        prepared = processor.prepare_video(np.stack(frames), num_frames=most)
        codes = self.unimo.encode_video(prepared.pixel_values)
        return Given(codes, prepared.geometry, source.provenance)

    def write(self, codes: torch.LongTensor, making: Making) -> Video:
        """Frames `(T, H, W, 3)`, uint8, in the proportions of the picture that they began with."""
        video = self.unimo.decode_video(codes, **making.of_video)
        return Video(self.unimo.processor.to_frames(video[0].cpu(), making.geometry).numpy(), self.unimo.fps)

    def squares(self, source: FrameSource) -> Iterator[torch.Tensor]:
        """Frames as the video tokenizer wants them, `(1, 3, 1, S, S)`: what waits for a window is small."""
        for frame in source.frames:
            # A copy, since frames of a file are read-only and torch warns of those.
            yield self.unimo.processor.prepare_video(frame[None].copy(), num_frames=1).pixel_values


class MotionValues(ModalityValues):
    """`motion`: a [`Motion`] or a motion file. Comes back as a [`Motion`]."""

    def read(self, name: str, value: Any, ticks: int | None) -> Given:
        """Encode a motion of one clip at most."""
        motion = value if isinstance(value, Motion) else Motion.load(value)
        config = self.unimo.motion_vqvae.config
        if motion.coordinates != config.coordinates:
            raise ValueError(
                f"`{name}` is in {motion.coordinates!r} coordinates; the model's are {config.coordinates!r}."
            )
        resampled = motion.resample(self.unimo.fps)
        most = self.unimo.frames
        if len(resampled) > most:
            raise ValueError(f"`{name}` has {len(resampled)} frames at {self.unimo.fps:g} fps; a clip has {most}.")
        return Given(self.encode(resampled), provenance=motion.provenance)

    def write(self, codes: torch.LongTensor, making: Making) -> Motion:
        """Give one motion."""
        return replace(self.decode(codes)[0], provenance=making.provenance)

    def encode(self, motion: Motion) -> torch.LongTensor:
        """Codes `(1, T, codes a frame)` of a motion at the model's fps."""
        frames = motions_to_frames([motion], self.unimo.motion_vqvae.config.rotation)
        return self.tokenizer.encode(frames.to(self.unimo.device))

    def decode(self, codes: torch.LongTensor) -> list[Motion]:
        """Codes `(B, T, …)` to B motions in the frame that the tokenizer was trained in."""
        frames = self.tokenizer.decode(codes.flatten(2).to(self.unimo.device))
        return frames_to_motions(frames, self.unimo.motion_vqvae.config, self.unimo.fps)


VALUES: dict[str, type[ModalityValues]] = {"visual": VisualValues, "motion": MotionValues}


def _pixels(image: "PathLike | np.ndarray | Image") -> np.ndarray:
    """A picture as an array."""
    if isinstance(image, str | os.PathLike):
        return read_picture(image)
    return image if isinstance(image, np.ndarray) else np.array(image.convert("RGB"))
