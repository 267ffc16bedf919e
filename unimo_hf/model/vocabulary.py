# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The one id space of UniMo: the codes of two modalities, special tokens, the codes of all other modalities.

All arithmetic between codebook integers and unified ids stands here and nowhere else. Visual ids start at 0, so the
64,000 codes of Cosmos keep their own numbers; `(64000, 512, 64)` are the sizes of the paper. What came after the
paper stands behind its ids, which therefore never move.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from .modalities import SPECIAL
from .paper_modalities import name_of_codes

START_OF_TARGET, PAD, UNKNOWN = "[STG]", "<pad>", "<unk>"
# Row of each special token inside the special rows. The rows that follow are those of the tasks [T3], [T4], ...
SPECIAL_ROWS = {"[T1]": 0, "[T2]": 1, START_OF_TARGET: 2, PAD: 3, UNKNOWN: 4}
# Modalities whose ids stand in front of the special rows.
IN_FRONT = 2


@dataclass(frozen=True)
class Vocabulary:
    """Sizes of the id ranges and the arithmetic between codes and ids.

    Args:
        sizes (`Mapping[str, int]`): Rows of each modality, in the order of their table.
        num_special (`int`, *optional*, defaults to 64): Number of special rows, at least 5.

    Attributes:
        ranges (`dict[str, tuple[int, int]]`): First id of each modality and the first id behind it.

    Raises:
        ValueError: If a range is empty or too small for the special tokens.
    """

    sizes: Mapping[str, int]
    num_special: int = 64
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        for name, size in self.sizes.items():
            if size < 1:
                raise ValueError(f"The size of the modality {name!r} must be at least 1, found {size}.")
        if self.num_special < len(SPECIAL_ROWS):
            raise ValueError(f"`num_special` must be at least {len(SPECIAL_ROWS)}, found {self.num_special}.")
        first = 0
        for place, (name, size) in enumerate(self.sizes.items()):
            first += self.num_special if place == IN_FRONT else 0
            self.ranges[name] = first, first + size
            first += size

    @property
    def special_offset(self) -> int:
        """`int`: Id of the first special row."""
        return sum(list(self.sizes.values())[:IN_FRONT])

    @property
    def size(self) -> int:
        """`int`: Number of ids."""
        return sum(self.sizes.values()) + self.num_special

    @property
    def pad_id(self) -> int:
        """`int`: Id of `<pad>`."""
        return self.special_id(PAD)

    def special_id(self, name: str) -> int:
        """Id of a special token; raises `ValueError` for a name that has no row."""
        names = self.special_names()
        if name not in names:
            raise ValueError(f"There is no special token {name!r}; task tokens go from [T1] to {names[-1]}.")
        return self.special_offset + names.index(name)

    def special_names(self) -> list[str]:
        """Names of the special rows, in order."""
        others = range(3, 3 + self.num_special - len(SPECIAL_ROWS))
        return [*SPECIAL_ROWS, *(f"[T{number}]" for number in others)]

    def names(self) -> list[str]:
        """Names of all ids, in order: `<v:17>`, `<m:3>`; a modality that came later has its whole name in front."""
        codes = [[f"<{name_of_codes(name)}:{code}>" for code in range(size)] for name, size in self.sizes.items()]
        parts = [*codes[:IN_FRONT], self.special_names(), *codes[IN_FRONT:]]
        return [name for part in parts for name in part]

    def modality(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Number of the modality of every id, 0 for special ones: integers of the shape of `input_ids`."""
        modality = torch.full_like(input_ids, SPECIAL, dtype=torch.long)
        for number, (first, end) in enumerate(self.ranges.values(), start=1):
            modality += number * ((input_ids >= first) & (input_ids < end))
        return modality

    def to_ids(self, name: str, codes: torch.Tensor) -> torch.Tensor:
        """Turn codes of a modality into ids; the shape is kept, values outside the codebook raise `ValueError`."""
        return _checked(codes, self.sizes[name], f"{name} codes") + self.ranges[name][0]

    def to_codes(self, name: str, input_ids: torch.Tensor) -> torch.Tensor:
        """Turn ids that are all of a modality into its codes; the shape is kept, other ids raise `ValueError`."""
        return _checked(input_ids - self.ranges[name][0], self.sizes[name], f"ids of {name} codes")


def _checked(codes: torch.Tensor, size: int, name: str) -> torch.Tensor:
    """Return `codes` as int64 after a check of their range."""
    if codes.is_floating_point() or codes.is_complex() or codes.dtype == torch.bool:
        raise TypeError(f"{name} must be integers, found {codes.dtype}.")
    codes = codes.long()
    if codes.numel() and (int(codes.min()) < 0 or int(codes.max()) >= size):
        raise ValueError(f"{name} must lie in [0, {size}), found [{int(codes.min())}, {int(codes.max())}].")
    return codes
