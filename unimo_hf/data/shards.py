# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Code shards: clips as the AR model sees them, integers in Parquet files."""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import PreTrainedModel

FORMAT_VERSION = 1
METADATA = "shards.json"


class CodeShards(Dataset):
    """The clips of a shard folder, in order.

    Args:
        folder (`str` or `Path`): Folder that [`write_codes`] filled.

    Raises:
        ValueError: If the folder holds no shards, or shards of another version.
    """

    def __init__(self, folder: str | Path):
        import datasets

        self.folder = folder = Path(folder)
        try:
            self.metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{folder} is no folder of code shards ({METADATA}: {error}).") from error
        if self.metadata.get("format_version") != FORMAT_VERSION:
            raise ValueError(
                f"{folder} has shards of format {self.metadata.get('format_version')!r}; "
                f"this version reads {FORMAT_VERSION}."
            )
        files = sorted(str(path) for path in folder.glob("*.parquet"))
        if not files:
            raise ValueError(f"{folder} holds no .parquet file.")
        self.rows = datasets.Dataset.from_parquet(files).with_format("numpy")
        self.visual_shape, self.motion_shape = (
            tuple(self.metadata["visual_shape"]),
            tuple(self.metadata["motion_shape"]),
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """A clip: `visual_codes` (t, h, w) and `motion_codes` (T, codes a frame), int64."""
        row = self.rows[int(index)]
        return {
            "visual_codes": torch.as_tensor(row["visual_codes"].astype(np.int64)).view(self.visual_shape),
            "motion_codes": torch.as_tensor(row["motion_codes"].astype(np.int64)).view(self.motion_shape),
        }


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
    """Raise `ValueError` if a folder says that its codes are of other tokenizers."""
    made_by = shards.metadata.get("tokenizers") or {}
    for name, digest in fingerprints(*tokenizers).items():
        if made_by.get(name, digest) != digest:
            raise ValueError(f"{shards.folder} holds codes of another {name}: remove it, or name another folder.")
