# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Code shards: clips as the AR model sees them, integers in Parquet files."""

import bisect
import hashlib
import itertools
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedModel

from unimo_hf.data.code_columns import count_rows, read_codes
from unimo_hf.json_files import check_plain_name, read_json_object
from unimo_hf.model.number_ranges import SIZE, shown

FORMAT_VERSION = 1
METADATA = "shards.json"
KEPT_BYTES = 2**29  # of codes that were read: 20,000 clips of the 4B model, 300,000 of `unimo-tiny`
COLUMNS = {"video_fsq": "visual_codes", "motion_vqvae": "motion_codes"}  # whose codes are in which


class CodeShards(Dataset):
    """The clips of a shard folder, in order.

    Codes are read when they are first asked for, a row group at a time, and those asked for last are kept.

    Args:
        folder (`str` or `Path`): Folder that [`write_codes`] filled.

    Raises:
        ValueError: If the folder holds no shards, shards of another version, or shards that are damaged; names the
            file. So does taking a clip, since what is damaged inside a file shows only there.
    """

    def __init__(self, folder: str | Path):
        self.folder = folder = Path(folder)
        try:
            self.metadata = read_json_object(folder / METADATA)
        except ValueError as error:
            raise ValueError(f"{folder} is no folder of code shards ({METADATA}: {error}).") from error
        if (found := self.metadata.get("format_version")) != FORMAT_VERSION or isinstance(found, bool):
            raise ValueError(f"{folder} has shards of format {shown(found)}; this version reads {FORMAT_VERSION}.")
        self.visual_shape = self._shape("visual_shape", ("latent frames", "rows", "columns"))
        self.motion_shape = self._shape("motion_shape", ("frames", "codes a frame"))
        self.lengths = {"visual_codes": math.prod(self.visual_shape), "motion_codes": math.prod(self.motion_shape)}
        self.codebook_sizes: dict[str, int] = {}  # where they are known
        self._groups: list[tuple[Path, int, int]] = []  # file, number, and its first row there
        self._ends: list[int] = []  # of the clips of each
        for path in self._files():
            before, ends = len(self), list(itertools.accumulate(self._rows_of_groups(path)))
            self._groups += [(path, group, first) for group, first in enumerate([0, *ends[:-1]][: len(ends)])]
            self._ends += [before + end for end in ends]
        self._kept: OrderedDict[int, dict[str, np.ndarray]] = OrderedDict()
        if (clips := self.metadata.get("clips")) != len(self):
            raise ValueError(f"{folder / METADATA}: clips is {shown(clips)}; the shards hold {len(self)}.")

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """A clip: `visual_codes` (t, h, w) and `motion_codes` (T, codes a frame), int64."""
        index = range(len(self))[int(index)]
        group = bisect.bisect_right(self._ends, index)
        codes = self._codes(group)
        row = index - self._ends[group] + len(codes["visual_codes"])
        return {
            "visual_codes": torch.as_tensor(codes["visual_codes"][row].astype(np.int64)).view(self.visual_shape),
            "motion_codes": torch.as_tensor(codes["motion_codes"][row].astype(np.int64)).view(self.motion_shape),
        }

    def _codes(self, number: int) -> dict[str, np.ndarray]:
        """The codes of a row group."""
        if number not in self._kept:
            path, group, first_row = self._groups[number]
            self._kept[number] = read_codes(path, group, self.lengths, self.codebook_sizes, first_row)
            while len(self._kept) > 1 and self._kept_bytes() > KEPT_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def _kept_bytes(self) -> int:
        return sum(values.nbytes for codes in self._kept.values() for values in codes.values())

    def _shape(self, name: str, axes: tuple[str, ...]) -> tuple[int, ...]:
        found = self.metadata.get(name)
        if not isinstance(found, list) or len(found) != len(axes):
            needed = f"a list of {len(axes)} sizes ({', '.join(axes)}) is needed"
            raise ValueError(f"{self.folder / METADATA}: {name} is {shown(found)}; {needed}.")
        SIZE.check_each(f"{self.folder / METADATA}: {name}", found)
        return tuple(found)

    def _files(self) -> list[Path]:
        """The files that the metadata name; where they name none, all that are there."""
        names = self.metadata.get("files")
        if names is None:
            files = sorted(path for path in self.folder.glob("*.parquet") if not path.name.startswith("."))
            if not files:
                raise ValueError(f"{self.folder} holds no .parquet file.")
            return files
        what = f"{self.folder / METADATA}: files"
        if not isinstance(names, list) or not names:
            raise ValueError(f"{what} is {shown(names)}; a list of names is needed.")
        for name in names:
            check_plain_name(name, f"{what}: one")
        if len(set(names)) != len(names):
            raise ValueError(f"{what} names a file twice.")
        return [self.folder / name for name in names]

    def _rows_of_groups(self, path: Path) -> list[int]:
        if not path.is_file():
            raise ValueError(f"{path} is missing, or no file.")
        return count_rows(path, self.lengths)


def fingerprints(*tokenizers: PreTrainedModel) -> dict[str, str]:
    """What tells trained tokenizers apart: a digest of the weights of each, by its name."""
    found = {}
    for tokenizer in tokenizers:
        digest = hashlib.sha256()
        for name, value in sorted(tokenizer.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
        found[tokenizer.base_model_prefix] = digest.hexdigest()[:16]
    return found


def check_tokenizers(shards: CodeShards, *tokenizers: PreTrainedModel) -> None:
    """Raise `ValueError` if a folder says that its codes are of other tokenizers; its codes are then known to be few.

    From then on a clip with a code that is in no codebook is refused.
    """
    made_by = shards.metadata.get("tokenizers") or {}
    if not isinstance(made_by, dict):
        raise ValueError(f"{shards.folder / METADATA}: tokenizers is {shown(made_by)}; an object is needed.")
    for name, digest in fingerprints(*tokenizers).items():
        if made_by.get(name, digest) != digest:
            raise ValueError(f"{shards.folder} holds codes of another {name}: remove it, or name another folder.")
    for tokenizer in tokenizers:
        shards.codebook_sizes[COLUMNS[tokenizer.base_model_prefix]] = tokenizer.config.codebook_size
