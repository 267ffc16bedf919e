# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A motion tokenizer by name: by itself, as training leaves it, or as a part of a checkpoint."""

import os
from pathlib import Path
from typing import NamedTuple

from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.pipelines.checkpoint import load_network, resolve_checkpoint

PART = "motion_vqvae"


class LoadedMotionVQVAE(NamedTuple):
    """What [`load_motion_vqvae`] found.

    Attributes:
        model ([`MotionVQVAE`]): Float32, in evaluation mode.
        folder (`Path`): The folder that was named, or where the checkpoint lies.
        weights_bytes (`int`): Size of its weights as they are stored.
    """

    model: MotionVQVAE
    folder: Path
    weights_bytes: int


def load_motion_vqvae(name: str | os.PathLike) -> LoadedMotionVQVAE:
    """Load a motion tokenizer, and nothing else of a checkpoint.

    Args:
        name (`str` or `os.PathLike`): A folder with a motion tokenizer, or a checkpoint as
            `UniMoPipeline.from_pretrained` takes it.

    Raises:
        ValueError: If there is no such checkpoint, or the tokenizer is missing or damaged; names the folder.
    """
    folder, part = Path(name), PART
    if folder.is_dir() and not (folder / PART).exists():
        part = ""
    else:
        folder = resolve_checkpoint(name)
    model: MotionVQVAE = load_network(MotionVQVAE, folder, part, dtype="float32")
    size = sum(file.stat().st_size for file in (folder / part).glob("model*.safetensors"))
    return LoadedMotionVQVAE(model.eval(), folder, size)
