# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""From frames to the input of the video tokenizer, from codes to sequences, and the way back. Holds no networks."""

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch
from transformers import BatchFeature, ProcessorMixin
from transformers.processing_utils import ProcessingKwargs, Unpack

from .number_ranges import FPS, SIZE, check_fields, shown
from .pad_resize import PadResize
from .tasks import INTERLEAVINGS, SequenceLayout, Task, TaskSchedule, get_task
from .tokenization_unimo import UniMoTokenizer

_RANGES = {
    "size": SIZE,
    "frames": SIZE,
    "fps": FPS,
    "spatial_compression": SIZE,
    "temporal_compression": SIZE,
    "codes_per_frame": SIZE,
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


@dataclass
class UniMoCodes:
    """What a sequence holds.

    Args:
        visual_codes (`torch.LongTensor` of shape `([batch,] latent_frames, height, width)`):
            In the order of the sequence.
        motion_codes (`torch.LongTensor` of shape `([batch,] frames, codes_per_frame)`): In the order of time.
    """

    visual_codes: torch.LongTensor
    motion_codes: torch.LongTensor


class UniMoProcessor(ProcessorMixin):
    """Prepare frames, build sequences, and split what was generated.

    Args:
        tokenizer (`UniMoTokenizer`): Gives the id layout.
        size (`int`, *optional*, defaults to 512): Side of the square of the video tokenizer, pixels.
        frames (`int`, *optional*, defaults to 65): Frames of a clip, `1 + temporal_compression * k`.
        fps (`float`, *optional*, defaults to 24.0): Frames per second that the model was trained with.
        spatial_compression (`int`, *optional*, defaults to 16): Pixels of a visual code along each side.
        temporal_compression (`int`, *optional*, defaults to 8): Frames of a latent frame after the first.
        codes_per_frame (`int`, *optional*, defaults to 36): Motion codes of a frame.
        interleaving (`str`, *optional*, defaults to `"eq2"`): Order of a mixed target; see [`TaskSchedule`].

    Raises:
        ValueError: If the sizes do not fit the compression of the video tokenizer.
    """

    valid_processor_kwargs = UniMoProcessorKwargs

    def __init__(
        self,
        tokenizer: UniMoTokenizer,
        size: int = 512,
        frames: int = 65,
        fps: float = 24.0,
        spatial_compression: int = 16,
        temporal_compression: int = 8,
        codes_per_frame: int = 36,
        interleaving: str = "eq2",
    ) -> None:
        self.size, self.frames, self.fps = size, frames, fps
        self.spatial_compression, self.temporal_compression = spatial_compression, temporal_compression
        self.codes_per_frame, self.interleaving = codes_per_frame, interleaving
        check_fields(self, _RANGES)
        if size % spatial_compression:
            raise ValueError(f"`size` must be a multiple of {spatial_compression} pixels, found {size}.")
        if (frames - 1) % temporal_compression:
            raise ValueError(f"`frames` must be 1 + {temporal_compression} k, found {frames}.")
        if interleaving not in INTERLEAVINGS:
            raise ValueError(f"`interleaving` must be one of {INTERLEAVINGS}, found {shown(interleaving)}.")
        super().__init__(tokenizer)

    @classmethod
    def _load_tokenizer_from_pretrained(
        cls, sub_processor_type: str, pretrained_model_name_or_path: str, subfolder: str = "", **kwargs: Any
    ) -> UniMoTokenizer:
        """Load our own class; the Auto class would give a general one where ours isn't registered."""
        return UniMoTokenizer.from_pretrained(pretrained_model_name_or_path, subfolder=subfolder, **kwargs)

    @property
    def layout(self) -> SequenceLayout:
        """`SequenceLayout`: The size of a full clip in codes."""
        return self.layout_of(self.frames)

    def layout_of(self, frames: int) -> SequenceLayout:
        """Return the size in codes of a clip of `frames` (rounded up to `1 + temporal_compression * k`)."""
        side = self.size // self.spatial_compression
        latent_frames = 1 + -(-(frames - 1) // self.temporal_compression)
        return SequenceLayout(latent_frames, side, side, self.codes_per_frame, self.temporal_compression)

    def schedule(self, task: str | Task, layout: SequenceLayout | None = None) -> TaskSchedule:
        """Return the schedule of a task; `layout` is that of a full clip by default."""
        return TaskSchedule(get_task(task), layout or self.layout, self.interleaving)

    def __call__(
        self,
        videos: Any = None,
        images: Any = None,
        visual_codes: torch.LongTensor | None = None,
        task: str | None = None,
        **kwargs: Unpack[UniMoProcessorKwargs],
    ) -> BatchFeature:
        """Prepare clips or pictures, or build the conditions of a task from visual codes, or both.

        Args:
            videos (`np.ndarray`, `torch.Tensor` or a list of them, *optional*):
                Clips of shape `(frames, height, width, 3)`, uint8 RGB; sizes may differ.
            images (`np.ndarray`, `torch.Tensor` or a list of them, *optional*):
                Pictures of shape `(height, width, 3)`, uint8.
            visual_codes (`torch.LongTensor` of shape `(batch, latent_frames, height, width)`, *optional*): Condition.
            task (`str`, *optional*): `"v2m"` or `"i2vm"`; needed with `visual_codes`.
            kwargs: `return_tensors="pt"`, which is what is returned anyway.

        Returns:
            [`~transformers.BatchFeature`]: `pixel_values` of shape `(batch, 3, frames, size, size)`, `num_frames` and
            `geometry` (lists) for frames; `input_ids`, `attention_mask` and `token_type_ids` for codes.

        Raises:
            TypeError: If there is another option.
            ValueError: If nothing, or both videos and images, are given, or shapes do not fit.
        """
        if kwargs.pop("return_tensors", None) not in (None, "pt"):
            raise ValueError("`return_tensors` must be 'pt': this processor gives torch tensors.")
        if kwargs:
            raise TypeError(f"A call of `UniMoProcessor` has no options {sorted(kwargs)}; it has `return_tensors`.")
        if (videos is None and images is None and visual_codes is None) or (videos is not None and images is not None):
            raise ValueError("Give `videos` or `images`, and/or `visual_codes` with a `task`.")
        data: dict[str, Any] = {}
        if videos is not None or images is not None:
            prepare = self.prepare_video if videos is not None else self.prepare_image
            prepared = [prepare(item) for item in _as_list(videos, 4) or _as_list(images, 3)]
            data["pixel_values"] = torch.cat([clip.pixel_values for clip in prepared])
            data["num_frames"] = [clip.num_frames for clip in prepared]
            data["geometry"] = [clip.geometry for clip in prepared]
        if visual_codes is not None:
            if task is None:
                raise ValueError("`visual_codes` needs a `task`, 'v2m' or 'i2vm'.")
            data.update(self.build_condition(task, visual_codes))
        return BatchFeature(data)

    def prepare_video(self, frames: np.ndarray | torch.Tensor, num_frames: int | None = None) -> PreparedVideo:
        """Fit a clip into the square and to the length of a clip.

        Args:
            frames (`np.ndarray` or `torch.Tensor` of shape `(frames, height, width, 3)`): uint8 RGB.
            num_frames (`int`, *optional*):
                Length to cut or fill to, `1 + temporal_compression * k`; that of the model by default. Missing frames
                repeat the last one.

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
        if (length - 1) % self.temporal_compression:
            raise ValueError(f"`num_frames` must be 1 + {self.temporal_compression} k, found {length}.")
        frames = frames[:length]
        geometry = PadResize(frames.shape[1], frames.shape[2], self.size)
        # Frame by frame: a long clip of a large video never exists in floating point at its own size.
        resized = [geometry.apply(frame.permute(2, 0, 1).float()) for frame in frames]
        resized += [resized[-1]] * (length - len(resized))
        pixel_values = torch.stack(resized, dim=1)[None] / 127.5 - 1.0
        return PreparedVideo(pixel_values, len(frames), geometry)

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
        frames = ((video.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0)
        if geometry is None:
            return frames
        (left, top), (height, width) = geometry.offset, geometry.resized
        return frames[:, top : top + height, left : left + width]

    def build_condition(self, task: str | Task, visual_codes: torch.LongTensor) -> dict[str, torch.LongTensor]:
        """Build `[task] condition [STG]`.

        Args:
            task (`str`): `"v2m"` or `"i2vm"`.
            visual_codes (`torch.LongTensor` of shape `(batch, latent_frames, height, width)`):
                Codes of the clip; a task that is given a picture takes the first latent frame.

        Returns:
            `dict[str, torch.LongTensor]`: `input_ids`, `attention_mask` and `token_type_ids`, of shape `(batch,
            length)`.

        Raises:
            ValueError: If the codes do not have that shape.
        """
        task = get_task(task)
        if visual_codes.ndim != 4:
            raise ValueError(
                "`visual_codes` must have the shape (batch, latent_frames, height, width), found "
                f"{tuple(visual_codes.shape)}."
            )
        vocabulary = self.tokenizer.vocabulary
        condition = self.tokenizer.encode_visual(visual_codes[:, : task.condition_latents]).flatten(1)
        opening = vocabulary.v2m_id if task.token == "[T1]" else vocabulary.i2vm_id
        first = condition.new_full((len(condition), 1), opening)
        last = condition.new_full((len(condition), 1), vocabulary.start_of_target_id)
        input_ids = torch.cat([first, condition, last], dim=1)
        return {
            "input_ids": input_ids,
            "attention_mask": torch.ones_like(input_ids),
            "token_type_ids": torch.zeros_like(input_ids),
        }

    def build_sequence(
        self, task: str | Task, visual_codes: torch.LongTensor, motion_codes: torch.LongTensor
    ) -> dict[str, torch.LongTensor]:
        """Build whole sequences for training.

        Args:
            task (`str`): `"v2m"` or `"i2vm"`.
            visual_codes (`torch.LongTensor` of shape `(batch, latent_frames, height, width)`): Codes of the clip.
            motion_codes (`torch.LongTensor` of shape `(batch, frames, codes_per_frame)`): Codes of its motion.

        Returns:
            `dict[str, torch.LongTensor]`: `input_ids`, `labels` (-100 on the condition) and `token_type_ids`, of shape
            `(batch, length)`.

        Raises:
            ValueError: If the motion does not have the frames of the video.
        """
        condition = self.build_condition(task, visual_codes)["input_ids"]
        latent_frames, height, width = visual_codes.shape[1:]
        layout = SequenceLayout(latent_frames, height, width, self.codes_per_frame, self.temporal_compression)
        if tuple(motion_codes.shape[1:]) != (layout.frames, self.codes_per_frame):
            raise ValueError(
                f"`motion_codes` must have the shape (batch, {layout.frames}, {self.codes_per_frame}), found "
                f"{tuple(motion_codes.shape)}."
            )
        schedule = self.schedule(task, layout)
        modality = schedule.modality.to(condition.device)
        index = schedule.modality_index.to(condition.device)
        visual = self.tokenizer.encode_visual(visual_codes).flatten(1)
        motion = self.tokenizer.encode_motion(motion_codes).flatten(1)
        codes = torch.where(
            modality == 1,
            visual[:, index.clamp(max=visual.shape[1] - 1)],
            motion[:, index.clamp(max=motion.shape[1] - 1)],
        )
        input_ids = torch.cat([condition, codes[:, schedule.condition_length :]], dim=1)
        labels = input_ids.clone()
        labels[:, : schedule.condition_length] = -100
        token_type_ids = (labels != -100).long()
        return {"input_ids": input_ids, "labels": labels, "token_type_ids": token_type_ids}

    def post_process(self, input_ids: torch.LongTensor, layout: SequenceLayout | None = None) -> UniMoCodes:
        """Split generated ids into codes.

        Args:
            input_ids (`torch.LongTensor` of shape `(length,)` or `(batch, length)`):
                Whole sequences or targets, all of one form; special tokens are dropped.
            layout (`SequenceLayout`, *optional*): Grid of the visual codes, when it isn't that of a full clip.

        Returns:
            [`UniMoCodes`]: With a batch axis if `input_ids` has one. A whole sequence gives the clip; a target gives
            what was generated.

        Raises:
            ValueError: If the codes do not fill whole latent frames and frames.
        """
        if input_ids.ndim == 2:
            rows = [self.post_process(row, layout) for row in input_ids]
            return UniMoCodes(
                torch.stack([row.visual_codes for row in rows]), torch.stack([row.motion_codes for row in rows])
            )
        layout = layout or self.layout
        visual, motion = self.tokenizer.split(input_ids)
        for name, codes, unit in (
            ("visual", visual, layout.visual_codes_per_latent),
            ("motion", motion, layout.codes_per_frame),
        ):
            if len(codes) % unit:
                raise ValueError(f"The sequence holds {len(codes)} {name} codes, which is no multiple of {unit}.")
        return UniMoCodes(visual.view(-1, layout.height, layout.width), motion.view(-1, layout.codes_per_frame))


def _as_list(items: Any, dimensions: int) -> list:
    """Return a list of clips or pictures; one alone, of so many dimensions, counts as a list of one."""
    if items is None:
        return []
    return [items] if getattr(items, "ndim", None) == dimensions else list(items)


__all__ = ["PreparedVideo", "UniMoCodes", "UniMoProcessor", "UniMoProcessorKwargs"]
