# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The one id space of UniMo: visual codes first, motion codes next, special tokens last.

All arithmetic between codebook integers and unified ids stands here and nowhere else. Visual ids start at 0, so the
64,000 codes of Cosmos keep their own numbers; `(64000, 512, 64)` are the sizes of the paper.
"""

from dataclasses import dataclass

import torch

SPECIAL, VISUAL, MOTION = 0, 1, 2
MODALITY_NAMES = ("special", "visual", "motion")

# Row of each special token inside the special rows. The rows that follow are reserved for tasks to come.
SPECIAL_ROWS = {"[T1]": 0, "[T2]": 1, "[STG]": 2, "<pad>": 3, "<unk>": 4}


@dataclass(frozen=True)
class Vocabulary:
    """Sizes of the three id ranges and the arithmetic between codes and ids.

    Args:
        visual_size (`int`, *optional*, defaults to 64000): Number of codes of the video tokenizer.
        motion_size (`int`, *optional*, defaults to 512): Number of codes of the motion tokenizer.
        num_special (`int`, *optional*, defaults to 64): Number of special rows, at least 5.

    Raises:
        ValueError: If a range is empty or too small for the special tokens.
    """

    visual_size: int = 64000
    motion_size: int = 512
    num_special: int = 64

    def __post_init__(self):
        for name in ("visual_size", "motion_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, found {getattr(self, name)}.")
        if self.num_special < len(SPECIAL_ROWS):
            raise ValueError(f"`num_special` must be at least {len(SPECIAL_ROWS)}, found {self.num_special}.")

    @property
    def motion_offset(self) -> int:
        """`int`: Id of motion code 0."""
        return self.visual_size

    @property
    def special_offset(self) -> int:
        """`int`: Id of the first special row."""
        return self.visual_size + self.motion_size

    @property
    def size(self) -> int:
        """`int`: Number of ids."""
        return self.visual_size + self.motion_size + self.num_special

    @property
    def v2m_id(self) -> int:
        """`int`: Id of `[T1]`, which opens video-to-motion."""
        return self.special_offset + SPECIAL_ROWS["[T1]"]

    @property
    def i2vm_id(self) -> int:
        """`int`: Id of `[T2]`, which opens image-to-video-and-motion."""
        return self.special_offset + SPECIAL_ROWS["[T2]"]

    @property
    def start_of_target_id(self) -> int:
        """`int`: Id of `[STG]`, the last token of the condition."""
        return self.special_offset + SPECIAL_ROWS["[STG]"]

    @property
    def pad_id(self) -> int:
        """`int`: Id of `<pad>`."""
        return self.special_offset + SPECIAL_ROWS["<pad>"]

    def special_names(self) -> list[str]:
        """Return the names of the special rows in order; unnamed rows are `<reserved:k>`."""
        names = {row: name for name, row in SPECIAL_ROWS.items()}
        return [names.get(row, f"<reserved:{row}>") for row in range(self.num_special)]

    def modality(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return the modality of every id.

        Args:
            input_ids (`torch.LongTensor` of any shape): Unified ids.

        Returns:
            `torch.LongTensor` of the same shape: 0 special, 1 visual, 2 motion.
        """
        is_motion = (input_ids >= self.motion_offset) & (input_ids < self.special_offset)
        return (input_ids < self.motion_offset).long() + MOTION * is_motion.long()

    def visual_to_ids(self, visual_codes: torch.Tensor) -> torch.Tensor:
        """Turn visual codes into ids (the same numbers); the shape is kept, values outside the codebook raise."""
        return _checked(visual_codes, self.visual_size, "visual_codes")

    def motion_to_ids(self, motion_codes: torch.Tensor) -> torch.Tensor:
        """Turn motion codes into ids; the shape is kept, values outside the codebook raise."""
        return _checked(motion_codes, self.motion_size, "motion_codes") + self.motion_offset

    def ids_to_visual(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Turn ids that are all visual into visual codes; the shape is kept, other ids raise."""
        return _checked(input_ids, self.visual_size, "input_ids")

    def ids_to_motion(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Turn ids that are all motion into motion codes; the shape is kept, other ids raise."""
        return _checked(input_ids - self.motion_offset, self.motion_size, "input_ids - motion_offset")

    def id_range(self, modality: int) -> tuple[int, int]:
        """Return the first id of a modality and the first id after it."""
        return {
            SPECIAL: (self.special_offset, self.size),
            VISUAL: (0, self.motion_offset),
            MOTION: (self.motion_offset, self.special_offset),
        }[modality]


def _checked(codes: torch.Tensor, size: int, name: str) -> torch.Tensor:
    """Return `codes` as int64 after a check of their range."""
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise TypeError(f"`{name}` must hold integers, found {codes.dtype}.")
    codes = codes.long()
    if codes.numel() and (int(codes.min()) < 0 or int(codes.max()) >= size):
        raise ValueError(f"`{name}` must lie in [0, {size}), found [{int(codes.min())}, {int(codes.max())}].")
    return codes
