# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A kind of code as a value, and what turns its data into codes and back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from .number_ranges import SIZE, Range, shown

# The number of a position that holds no code. Modalities count from 1, in the order of their table.
SPECIAL = 0

Table = Mapping[str, "Modality"]
LONGEST_NAME = 64
ROWS = Range(1, 4096, whole=True)  # of a grid, and columns
FRAMES = Range(0, 2**20, whole=True)


@dataclass(frozen=True)
class Modality:
    """One kind of code.

    Time goes in ticks: the first covers frame 0 of the video, each later one the next `frames` frames.

    Args:
        name (`str`): What tasks, tables and heads call it.
        size (`int`): Number of different codes; one without a clock has one more, which ends it.
        grid (`tuple[int, int]`): Rows and columns of the codes of one tick.
        frames (`int`, *optional*, defaults to 1): Video frames of a tick; 0: no clock, as text.

    Raises:
        ValueError: If the name can't be that of a table, or a size is not positive.

    Example:

    ```python
    >>> Modality("visual", size=64000, grid=(32, 32), frames=8).ticks(65)
    9
    ```
    """

    name: str
    size: int
    grid: tuple[int, int]
    frames: int = 1

    def __post_init__(self) -> None:
        ROWS.check_each(f"grid of the modality {shown(self.name)}", self.grid)
        object.__setattr__(self, "grid", tuple(self.grid))
        is_word = isinstance(self.name, str) and self.name.isidentifier() and len(self.name) <= LONGEST_NAME
        # Tables of codes are entries of a dictionary of modules, which has attributes of its own.
        if not is_word or self.name == "special" or hasattr(torch.nn.ModuleDict, self.name):
            raise ValueError(f"The name of a modality is {shown(self.name)}; it must be a word such as 'motion'.")
        if len(self.grid) != 2:
            raise ValueError(
                f"grid of the modality {self.name!r} is {shown(self.grid)}; it must hold rows and columns."
            )
        of_modality = f"of the modality {self.name!r}"
        SIZE.check(f"size {of_modality}", self.size)
        FRAMES.check(f"frames {of_modality}", self.frames)

    @property
    def codes(self) -> int:
        """`int`: Codes of one tick."""
        return self.grid[0] * self.grid[1]

    @property
    def has_clock(self) -> bool:
        """`bool`: Whether its ticks stand in time."""
        return self.frames > 0

    @property
    def rows(self) -> int:
        """`int`: Rows of its table and of its head: its codes, and the end of one without a clock."""
        return self.size if self.has_clock else self.size + 1

    @property
    def end(self) -> int:
        """`int`: The code that ends a run of one without a clock."""
        return self.size

    def ticks(self, frames: int) -> int:
        """Ticks that hold so many frames of video, for one with a clock."""
        return 1 + -(-(frames - 1) // self.frames)

    def frames_in(self, ticks: int) -> int:
        """Frames of video in so many ticks, for one with a clock."""
        return 1 + (ticks - 1) * self.frames

    def differences(self, other: "Modality") -> dict[str, tuple[int, int]]:
        """Numbers in which these codes and those of a tokenizer, whose grid may follow its data, are not the same."""
        facts = {
            f"number of {self.name} codes": (self.size, other.size),
            f"number of {self.name} codes a tick": (self.codes, self.codes if other.codes == 1 else other.codes),
            f"number of frames that a tick of {self.name} codes covers": (self.frames, other.frames),
        }
        return {what: pair for what, pair in facts.items() if pair[0] != pair[1]}


def make_table(modalities: Iterable[Modality | Mapping[str, Any]]) -> dict[str, Modality]:
    """A table of modalities by name, in their order, from values or from what JSON holds of them.

    Raises:
        ValueError: If there is none, or one stands twice, lacks a field or has one that is not known.
    """
    table: dict[str, Modality] = {}
    for entry in modalities:
        try:
            modality = entry if isinstance(entry, Modality) else Modality(**entry)
        except TypeError as error:
            raise ValueError(f"`modalities` holds {entry!r}, which is no modality: {error}.") from error
        if modality.name in table:
            raise ValueError(f"The modality {modality.name!r} stands twice.")
        table[modality.name] = modality
    if not table:
        raise ValueError("There are 0 modalities; at least 1 is needed.")
    return table


def plain_table(table: Table) -> list[dict[str, Any]]:
    """A table as JSON holds it, for [`make_table`]: a list, since writers of JSON sort the keys of dictionaries."""
    return [asdict(modality) | {"grid": list(modality.grid)} for modality in table.values()]


def squarest_grid(codes: int) -> tuple[int, int]:
    """Rows and columns for so many codes, as near to each other as they can be; rows are fewer."""
    rows = next(rows for rows in range(int(codes**0.5), 0, -1) if codes % rows == 0)
    return rows, codes // rows


class ModalityTokenizer:
    """What turns the data of a modality into codes and back; a class of its own makes a new modality.

    One that is a condition alone need not decode, and vectors are what mean codes, `label_smoothing` and
    `init: codebooks` ask for: whoever asks for what a class does not have is told so by a `ValueError`.

    A grid that follows the size of the data is given as 1 x 1. Codes of one without a clock are `(batch, codes)`, with
    -1 from the end of a row on.
    """

    @property
    def modality(self) -> Modality:
        """Its codes; a class may set it as a value."""
        raise NotImplementedError(f"{type(self).__name__} does not say its modality.")

    def data_of(self, clips: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """What [`encode`] takes of a batch of clips: by default what they hold under the modality's name.

        Raises:
            KeyError: If they lack it.
        """
        return clips[self.modality.name]

    def encode(self, data: torch.Tensor) -> torch.LongTensor:
        """Data `(batch, …)` to codes `(batch, ticks, …)`, the codes of a tick in the order of its grid."""
        raise self._lack("encode")

    def decode(self, codes: torch.LongTensor) -> torch.Tensor:
        """Codes, as [`encode`] gives them, to data."""
        raise self._lack("decode")

    def code_vectors(self) -> torch.Tensor:
        """The vector that each code stands for, `(size, channels)`: near vectors mean much alike."""
        raise self._lack("code_vectors")

    def _lack(self, method: str) -> ValueError:
        return ValueError(f"{type(self).__name__}, the tokenizer of {self.modality.name!r}, has no `{method}`.")


def by_modality(*tokenizers: ModalityTokenizer) -> dict[str, ModalityTokenizer]:
    """Tokenizers by the names of their modalities."""
    return {tokenizer.modality.name: tokenizer for tokenizer in tokenizers}
