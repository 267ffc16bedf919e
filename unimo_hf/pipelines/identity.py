# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What the pipeline knows of its model: a name and a revision that tell others which weights made a result."""

import hashlib
import os
import re
from pathlib import Path

from unimo_hf.pipelines.checkpoint import PARTS

# How the cache of the Hub names the folder of a commit.
_SNAPSHOT = re.compile(r"models--([^/]+)/snapshots/([0-9a-f]{40})$")
BLOCKS, BLOCK_BYTES = 64, 4096


def identify(folder: Path | None) -> tuple[str | None, str | None]:
    """Say which checkpoint a folder holds, without the way to it, which is nobody's business.

    Args:
        folder (`Path`, *optional*): The checkpoint.

    Returns:
        `tuple`: Name and revision: of a repository of the Hub its id and commit, else the name of the folder and
        `weights-` with a digest.
    """
    if folder is None:
        return None, None
    path = Path(os.path.abspath(folder))
    if snapshot := _SNAPSHOT.search(path.as_posix()):
        return snapshot[1].replace("--", "/"), snapshot[2]
    return path.name or None, f"weights-{digest_weights(path)}"


def digest_weights(folder: Path) -> str:
    """Give 16 hexadecimal digits that tell the weights of a checkpoint from others; reads 256 kB of each file at most.

    Every training changes every weight, so that blocks of the files tell as much as the whole, which may take minutes.
    """
    digest = hashlib.sha256()
    for part in PARTS:
        for file in sorted((folder / part).glob("model*.safetensors")):
            size = file.stat().st_size
            digest.update(f"{part}/{file.name} {size}\n".encode())
            with file.open("rb") as content:
                for block in range(BLOCKS):
                    content.seek(block * max(size - BLOCK_BYTES, 0) // (BLOCKS - 1))
                    digest.update(content.read(BLOCK_BYTES))
    return digest.hexdigest()[:16]
