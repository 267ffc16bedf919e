# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Code shards: clips as the AR model sees them, integers in Parquet files."""

import bisect
import hashlib
import itertools
import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from unimo_hf.data.code_columns import count_rows, read_codes
from unimo_hf.json_files import check_plain_name, read_json_object
from unimo_hf.model.modalities import ModalityTokenizer
from unimo_hf.model.number_ranges import SIZE, shown

FORMAT_VERSION = 1
METADATA = "shards.json"
KEPT_BYTES = 2**29  # of codes that were read: 20,000 clips of the 4B model, 300,000 of `unimo-tiny`
# Behind the name of a modality: the column of its codes, and what the metadata call their shape in a clip.
CODES, SHAPE = "_codes", "_shape"


class CodeShards(Dataset):
    """The clips of a shard folder, in order.

    Codes are read when they are first asked for, a row group at a time, and those asked for last are kept.

    Args:
        folder (`str` or `Path`): Folder that [`write_codes`] filled.

    Attributes:
        shapes (`dict[str, tuple[int, ...]]`): Shape of a clip's codes, by modality; of one without a clock, whose
            clips may have fewer, the most codes of a clip alone.

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
        self.shapes = self._shapes()
        self.lengths = {name + CODES: _lengths(shape) for name, shape in self.shapes.items()}
        self.codebook_sizes: dict[str, int] = {}  # of columns, where they are known
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
        """A clip: the codes of each modality, int64; of one without a clock -1 from the end on."""
        index = range(len(self))[int(index)]
        group = bisect.bisect_right(self._ends, index)
        row = index - (self._ends[group - 1] if group else 0)
        return {
            name: torch.as_tensor(self._codes(group)[name + CODES][row].astype(np.int64)).view(shape)
            for name, shape in self.shapes.items()
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

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = {}
        for key, shape in self.metadata.items():
            name = key.removesuffix(SHAPE)
            if name != key and name.isidentifier():
                SIZE.check_each(f"{self.folder / METADATA}: {shown(key)}", shape)
                shapes[name] = tuple(shape)
        if not shapes:
            raise ValueError(f"{self.folder / METADATA} says the shape of no modality's codes.")
        return shapes

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


def _lengths(shape: tuple[int, ...]) -> range:
    """How many codes a clip may have: codes without ticks are of a modality without a clock and end anywhere."""
    most = math.prod(shape)
    return range(0 if len(shape) == 1 else most, most + 1)


def fingerprints(networks: Mapping[str, object]) -> dict[str, str]:
    """What tells trained networks, such as tokenizers by modality, apart: a digest of the weights of each.

    What has no weights, as a tokenizer that follows a rule, has none.
    """
    found = {}
    for key, network in networks.items():
        if isinstance(network, torch.nn.Module):
            digest = hashlib.sha256()
            for name, value in sorted(network.state_dict().items()):
                digest.update(name.encode())
                digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
            found[key] = digest.hexdigest()[:16]
    return found


def check_tokenizers(shards: CodeShards, tokenizers: Mapping[str, ModalityTokenizer]) -> None:
    """Raise `ValueError` if a folder says that its codes are of other tokenizers; its codes are then known to be few.

    From then on a clip with a code that is in no codebook is refused. A folder may hold codes of some of them alone.
    """
    made_by = shards.metadata.get("tokenizers") or {}
    if not isinstance(made_by, dict):
        raise ValueError(f"{shards.folder / METADATA}: tokenizers is {shown(made_by)}; an object is needed.")
    digests = fingerprints(tokenizers)
    for name in tokenizers.keys() & shards.shapes.keys():
        tokenizer, digest = tokenizers[name], digests.get(name)
        former = getattr(tokenizer, "base_model_prefix", name)  # version 0.1 named the network and not the modality
        if made_by.get(name, made_by.get(former, digest)) != digest:
            raise ValueError(
                f"{shards.folder} holds codes of another tokenizer of {name!r}: remove it, or name another folder."
            )
        shards.codebook_sizes[name + CODES] = tokenizer.modality.size
