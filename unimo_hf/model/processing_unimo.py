# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""From frames to the input of the video tokenizer, from codes to sequences, and the way back. Holds no networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch
from transformers import BatchFeature, ProcessorMixin
from transformers.processing_utils import ProcessingKwargs, Unpack

from .modalities import SPECIAL, Modality, make_table, plain_table
from .number_ranges import FPS, SIZE, shown
from .pad_resize import PadResize
from .paper_modalities import modalities_of_pictures
from .pixel_range import to_model_range, to_pixels
from .sequences import INTERLEAVINGS, Sequence, lay_out
from .tasks import TASKS, Segment, Task, get_task
from .tokenization_unimo import UniMoTokenizer
from .vocabulary import START_OF_TARGET

# Codes `(batch, ticks, …)` by the name of their modality; of another person than the first by name and stream.
Codes = Mapping[Any, torch.LongTensor]

_RANGES = {
    "size": SIZE,
    "frames": SIZE,
    "fps": FPS,
}


class NoOptions(TypedDict):
    """Clips and pictures are prepared as the model was trained, so that a call has no options for them."""


class UniMoProcessorKwargs(ProcessingKwargs, total=False):  # type: ignore[call-arg]
    """Options of a call besides its inputs: `return_tensors` alone."""

    images_kwargs: NoOptions
    videos_kwargs: NoOptions


@dataclass
class PreparedVideo:
    """A clip as the video tokenizer wants it.

    Args:
        pixel_values (`torch.FloatTensor` of shape `(1, 3, frames, size, size)`): RGB in [-1, 1], padding black.
        num_frames (`int`): Real frames; those behind are repetitions of the last one.
        geometry (`PadResize`): Carries points between the source and the square.
    """

    pixel_values: torch.FloatTensor
    num_frames: int
    geometry: PadResize


class UniMoProcessor(ProcessorMixin):
    """Prepare frames, build sequences, and split what was generated.

    Args:
        tokenizer (`UniMoTokenizer`): Gives the id layout.
        size (`int`, *optional*, defaults to 512): Side of the square of the video tokenizer, pixels.
        frames (`int`, *optional*, defaults to 65): Frames of a clip, `1 + clock * k`.
        fps (`float`, *optional*, defaults to 24.0): Frames per second that the model was trained with.
        modalities (`list[dict]`, *optional*):
            `name`, `size`, `grid` and `frames` of each [`Modality`]; by default those of the paper at this size.
        interleaving (`str`, *optional*, defaults to `"eq2"`): Order of a mixed target; see [`lay_out`].

    Raises:
        ValueError: If the sizes do not fit together.
    """

    valid_processor_kwargs = UniMoProcessorKwargs

    def __init__(
        self,
        tokenizer: UniMoTokenizer,
        size: int = 512,
        frames: int = 65,
        fps: float = 24.0,
        modalities: list[dict] | None = None,
        interleaving: str = "eq2",
        spatial_compression: int = 16,
        temporal_compression: int = 8,
        codes_per_frame: int = 36,
    ) -> None:
        self.size, self.frames, self.fps, self.interleaving = size, frames, fps, interleaving
        for name, allowed in _RANGES.items():
            allowed.check(f"`{name}`", getattr(self, name))
        if modalities is None:
            compression = (spatial_compression, temporal_compression)
            self.table = make_table(
                modalities_of_pictures(tokenizer.vocabulary.sizes, size, *compression, codes_per_frame)
            )
        else:
            self.table = make_table(modalities)
        self.modalities = plain_table(self.table)
        if (frames - 1) % self.clock:
            raise ValueError(f"`frames` must be 1 + {self.clock} k, found {frames}.")
        if interleaving not in tuple(INTERLEAVINGS):
            raise ValueError(f"`interleaving` must be one of {tuple(INTERLEAVINGS)}, found {shown(interleaving)}.")
        super().__init__(tokenizer)

    @classmethod
    def _load_tokenizer_from_pretrained(
        cls, sub_processor_type: str, pretrained_model_name_or_path: str, subfolder: str = "", **kwargs: Any
    ) -> UniMoTokenizer:
        """Load our own class; the Auto class would give a general one where ours isn't registered."""
        return UniMoTokenizer.from_pretrained(pretrained_model_name_or_path, subfolder=subfolder, **kwargs)

    @property
    def clock(self) -> int:
        """`int`: Frames of the coarsest tick: what the length of a clip is counted in, behind its first frame."""
        return max(kind.frames for kind in self.table.values()) or 1

    def lay_out(self, task: str | Task, frames: int | None = None, lengths: dict[str, int] | None = None) -> Sequence:
        """Lay out a task; `frames` are those of a full clip by default. See [`lay_out`]."""
        return lay_out(get_task(task), self.table, frames or self.frames, lengths, self.interleaving)

    def __call__(
        self,
        videos: Any = None,
        images: Any = None,
        task: str | None = None,
        **kwargs: Unpack[UniMoProcessorKwargs],
    ) -> BatchFeature:
        """Prepare clips or pictures, or build the conditions of a task from codes, or both.

        Args:
            videos (`np.ndarray`, `torch.Tensor` or a list of them, *optional*):
                Clips of shape `(frames, height, width, 3)`, uint8 RGB; sizes may differ.
            images (`np.ndarray`, `torch.Tensor` or a list of them, *optional*):
                Pictures of shape `(height, width, 3)`, uint8.
            task (`str`, *optional*): Name of the task; needed with codes.
            kwargs: `visual_codes`, `motion_codes` and the like: codes as [`build_condition`] takes them; and
                `return_tensors="pt"`, which is what is returned anyway.

        Returns:
            [`~transformers.BatchFeature`]: `pixel_values` of shape `(batch, 3, frames, size, size)`, `num_frames` and
            `geometry` (lists) for frames; `input_ids`, `attention_mask` and `sequence` for codes.

        Raises:
            TypeError: If there is another option.
            ValueError: If nothing, or both videos and images, are given, or shapes do not fit.
        """
        given = [key for key in kwargs if key.endswith("_codes") and key.removesuffix("_codes") in self.table]
        codes: dict[Any, Any] = {key.removesuffix("_codes"): kwargs.pop(key) for key in given}
        if kwargs.pop("return_tensors", None) not in (None, "pt"):
            raise ValueError("`return_tensors` must be 'pt': this processor gives torch tensors.")
        if kwargs:
            raise TypeError(f"A call of `UniMoProcessor` has no options {sorted(kwargs)}; it has `return_tensors`.")
        if (videos is None and images is None and not codes) or (videos is not None and images is not None):
            raise ValueError("Give `videos` or `images`, and/or codes (`visual_codes`, …) with a `task`.")
        data: dict[str, Any] = {}
        if videos is not None or images is not None:
            prepare = self.prepare_video if videos is not None else self.prepare_image
            prepared = [prepare(item) for item in _as_list(videos, 4) or _as_list(images, 3)]
            data["pixel_values"] = torch.cat([clip.pixel_values for clip in prepared])
            data["num_frames"] = [clip.num_frames for clip in prepared]
            data["geometry"] = [clip.geometry for clip in prepared]
        if codes:
            if task is None:
                raise ValueError(f"Codes need a `task`, one of {sorted(TASKS)}.")
            data.update(self.build_condition(task, codes))
        return BatchFeature(data)

    def prepare_video(self, frames: np.ndarray | torch.Tensor, num_frames: int | None = None) -> PreparedVideo:
        """Fit a clip into the square and to the length of a clip.

        Args:
            frames (`np.ndarray` or `torch.Tensor` of shape `(frames, height, width, 3)`): uint8 RGB.
            num_frames (`int`, *optional*):
                Length to cut or fill to, `1 + clock * k`; that of the model by default. Missing frames repeat the
                last one.

        Returns:
            [`PreparedVideo`].

        Raises:
            ValueError: If the frames have another shape or type, or there are none.
        """
        frames = torch.as_tensor(frames)
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != torch.uint8:
            raise ValueError(
                f"Frames must be uint8 of shape (frames, height, width, 3), found {frames.dtype}, "
                f"{tuple(frames.shape)}."
            )
        if 0 in frames.shape:
            raise ValueError(f"Frames must not be empty, found shape {tuple(frames.shape)}.")
        length = num_frames or self.frames
        if (length - 1) % self.clock:
            raise ValueError(f"`num_frames` must be 1 + {self.clock} k, found {length}.")
        frames = frames[:length]
        geometry = PadResize(frames.shape[1], frames.shape[2], self.size)
        # Frame by frame: a long clip of a large video never exists in floating point at its own size.
        resized = [geometry.apply(frame.permute(2, 0, 1).float()) for frame in frames]
        resized += [resized[-1]] * (length - len(resized))
        pixel_values = to_model_range(torch.stack(resized, dim=1).movedim(0, -1))
        return PreparedVideo(pixel_values[None], len(frames), geometry)

    def prepare_image(self, image: np.ndarray | torch.Tensor) -> PreparedVideo:
        """Fit one picture of shape `(height, width, 3)`, uint8 RGB, into the square; a clip of one frame."""
        image = torch.as_tensor(image)
        if image.ndim != 3:
            raise ValueError(f"A picture must have the shape (height, width, 3), found {tuple(image.shape)}.")
        return self.prepare_video(image[None], num_frames=1)

    def to_frames(self, video: torch.Tensor, geometry: PadResize | None = None) -> torch.Tensor:
        """Turn decoded video into frames.

        Args:
            video (`torch.FloatTensor` of shape `(3, frames, size, size)`): RGB in [-1, 1]; values outside are cut.
            geometry (`PadResize`, *optional*):
                Take the padding off again; the size of the picture in the square is kept.

        Returns:
            `torch.ByteTensor` of shape `(frames, height, width, 3)`: uint8 RGB.
        """
        frames = to_pixels(video)
        if geometry is None:
            return frames
        (left, top), (height, width) = geometry.offset, geometry.resized
        return frames[:, top : top + height, left : left + width]

    def build_condition(self, task: str | Task, codes: Codes, frames: int | None = None) -> dict[str, Any]:
        """Build `[task] condition [STG]`.

        Args:
            task (`str` or [`Task`]): The task.
            codes (`dict[str, torch.LongTensor]`):
                Codes `(batch, ticks, …)` of each modality of the condition, from the first tick of the clip on; those
                behind what the task takes are left out. Of one without a clock `(batch, codes)`, with -1 from the end
                of a row on. Of another person than the first the key is `(name, stream)`.
            frames (`int`, *optional*): Of the clip. By default what a condition that takes all of it has, or a full
                clip.

        Returns:
            `dict`: `input_ids` and `attention_mask` of shape `(batch, length)`; `sequence`, the layout of the whole.

        Raises:
            ValueError: If codes are missing or have another shape.
        """
        task = get_task(task)
        sequence = self._sequence_for(task, task.condition, codes, frames)
        length = sequence.condition_length
        input_ids = self._fill(sequence[:length], codes, task.token)
        return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids), "sequence": sequence}

    def build_sequence(self, task: str | Task, codes: Codes, frames: int | None = None) -> dict[str, Any]:
        """Build whole sequences for training.

        Args:
            task (`str` or [`Task`]): The task.
            codes (`dict[str, torch.LongTensor]`): As for [`build_condition`], of the target too.
            frames (`int`, *optional*): Of the clip; by default what the codes have.

        Returns:
            `dict`: `input_ids` and `labels` (-100 on the condition and behind an end) of shape `(batch, length)`, and
            `sequence`.

        Raises:
            ValueError: If codes are missing, have another shape, or are not of one clip.
        """
        task = get_task(task)
        sequence = self._sequence_for(task, (*task.condition, *task.target), codes, frames)
        input_ids = self._fill(sequence, codes, task.token)
        labels = input_ids.masked_fill(~sequence.is_target.to(input_ids.device), -100)
        for segment in task.target:
            kind = self.table[segment.modality]
            if not kind.has_clock:  # a row that ends before others is filled up with ends; the first is learnt
                where = (sequence.holds(kind.name, segment.stream) & sequence.is_target)[0].to(input_ids.device)
                is_end = (input_ids[:, where] == self.tokenizer.vocabulary.ranges[kind.name][0] + kind.end).long()
                labels[:, where] = labels[:, where].masked_fill(is_end.cumsum(1) > is_end, -100)
        return {"input_ids": input_ids, "labels": labels, "sequence": sequence}

    def post_process(
        self, input_ids: torch.LongTensor, sequence: Sequence
    ) -> dict[str | tuple[str, int], torch.LongTensor]:
        """Split generated ids into codes.

        Args:
            input_ids (`torch.LongTensor` of shape `(batch, length)`):
                Whole sequences, which begin with the token of their task, or targets; the end may be missing.
            sequence ([`Sequence`]): Their layout, as [`build_condition`] gave it.

        Returns:
            `dict[str, torch.LongTensor]`: Codes `(batch, ticks, rows, columns)` of each modality, in the order of the
            clip; of one without a clock `(batch, codes)`, with -1 from the end of a row on. A whole sequence gives
            the clip; a target gives what was generated.

        Raises:
            ValueError: If the codes do not fill whole ticks.
        """
        is_whole = bool((self.tokenizer.vocabulary.modality(input_ids[:1, :1]) == SPECIAL).any())
        start = 0 if is_whole else sequence.condition_length
        layout = sequence[start : start + input_ids.shape[1]]
        codes: dict[str | tuple[str, int], torch.LongTensor] = {}
        for name, kind in self.table.items():
            for stream in layout.stream[layout.holds(name)].unique().tolist():
                where = layout.holds(name, stream)[0].nonzero()[:, 0]
                # A frame that is given in the condition may stand in front of those before it.
                where = where[layout.index[0, where].argsort(stable=True)]
                ids = input_ids[:, where.to(input_ids.device)]
                codes[(name, stream) if stream else name] = self._to_codes(kind, ids)
        return codes

    def _to_codes(self, kind: Modality, ids: torch.LongTensor) -> torch.LongTensor:
        """Ids `(batch, length)` of one modality and person to codes by tick."""
        if not kind.has_clock:
            end = self.tokenizer.vocabulary.ranges[kind.name][0] + kind.end
            has_ended = (ids == end).long().cumsum(-1) > 0
            start_id = self.tokenizer.vocabulary.ranges[kind.name][0]
            codes = self.tokenizer.vocabulary.to_codes(kind.name, ids.masked_fill(has_ended, start_id))
            return codes.masked_fill(has_ended, -1)
        if ids.shape[1] % kind.codes:
            raise ValueError(
                f"The sequence holds {ids.shape[1]} {kind.name} codes, which is no multiple of {kind.codes}."
            )
        return self.tokenizer.vocabulary.to_codes(kind.name, ids).unflatten(1, (-1, *kind.grid))

    def _sequence_for(self, task: Task, segments: tuple[Segment, ...], codes: Codes, frames: int | None) -> Sequence:
        """Lay out a task for codes; those of segments that take all of a clip tell its length."""
        lengths: dict[str, int] = {}
        for segment in segments:
            kind, given = self.table.get(segment.modality), codes.get(key_of(segment))
            if kind is None:
                continue  # what is wrong is said where the task is laid out
            if given is None:
                raise ValueError(
                    f"Task {task.name!r} needs the codes of {key_of(segment)!r}; found {sorted(map(str, codes))}."
                )
            if given.ndim < 3 and kind.has_clock:
                raise ValueError(
                    f"The {kind.name} codes must have the shape (batch, ticks, …), found {tuple(given.shape)}."
                )
            if not kind.has_clock:
                lengths[kind.name] = given.shape[1]
            elif frames is None and (segment.start, segment.stop) == (0, None):
                frames = kind.frames_in(given.shape[1])
        if unknown := sorted(str(key) for key in codes if key not in map(key_of, (*task.condition, *task.target))):
            raise ValueError(f"Task {task.name!r} takes no codes of {unknown}.")
        return self.lay_out(task, frames, lengths)

    def _fill(self, sequence: Sequence, codes: Codes, token: str) -> torch.LongTensor:
        """Put codes where a sequence has them: ids `(batch, length)`."""
        vocabulary, example = self.tokenizer.vocabulary, next(iter(codes.values()))
        sequence = sequence.to(example.device)
        input_ids = example.new_full((len(example), len(sequence)), vocabulary.special_id(START_OF_TARGET))
        input_ids[:, 0] = vocabulary.special_id(token)
        for key, given in codes.items():
            name, stream = (key, 0) if isinstance(key, str) else key
            kind, where = self.table[name], sequence.holds(name, stream)[0]
            has_ended = (given == -1).flatten(1) & (not kind.has_clock)
            ids = vocabulary.to_ids(name, given.flatten(1).masked_fill(has_ended, 0))
            if not kind.has_clock:
                end = vocabulary.ranges[name][0] + kind.end
                ids = torch.nn.functional.pad(ids.masked_fill(has_ended, end), (0, 1), value=end)
            elif ids.shape[1] != given.shape[1] * kind.codes:
                raise ValueError(
                    f"The {name} codes of a tick must be {kind.codes}, {kind.grid}; found {tuple(given.shape[2:])}."
                )
            index = sequence.index[0, where]
            if len(index) and int(index.max()) >= ids.shape[1]:
                needed = int(index.max()) // kind.codes + 1
                raise ValueError(f"The {name} codes have {given.shape[1]} ticks; this clip needs {needed}.")
            input_ids[:, where] = ids[:, index]
        return input_ids


def key_of(segment: Segment) -> str | tuple[str, int]:
    """Key of the codes of a segment in a batch: the name of its modality, of another person name and stream."""
    return (segment.modality, segment.stream) if segment.stream else segment.modality


def _as_list(items: Any, dimensions: int) -> list:
    """Return a list of clips or pictures; one alone, of so many dimensions, counts as a list of one."""
    if items is None:
        return []
    return [items] if getattr(items, "ndim", None) == dimensions else list(items)


__all__ = ["Codes", "PreparedVideo", "UniMoProcessor", "UniMoProcessorKwargs", "key_of"]
