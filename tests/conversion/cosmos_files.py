# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Tiny checkpoints in the layouts of NVIDIA's files, made of the goldens."""

import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

GOLDENS = Path(__file__).resolve().parents[1] / "goldens" / "cosmos"


def golden_ar_weights(file: str = "ar_base") -> dict[str, Tensor]:
    """What `model.pt` holds, `model.` in front of every key."""
    tensors = load_file(GOLDENS / f"{file}.safetensors")
    return {key.removeprefix("weights."): weight for key, weight in tensors.items() if key.startswith("weights.")}


def golden_tokenizer_weights(half: str) -> dict[str, Tensor]:
    """What `encoder.jit` or `decoder.jit` holds."""
    return load_file(GOLDENS / f"dv_{half}.safetensors")


def write_torchscript(path: Path, tensors: dict[str, Tensor]) -> Path:
    """Save a traced module whose `state_dict` is `tensors`."""
    root = nn.Identity()
    for key, tensor in tensors.items():
        *parents, name = key.split(".")
        module = root
        for parent in parents:
            if parent not in dict(module.named_children()):
                module.add_module(parent, nn.Identity())
            module = module.get_submodule(parent)
        if tensor.is_floating_point():
            module.register_parameter(name, nn.Parameter(tensor.clone()))
        else:
            module.register_buffer(name, tensor.clone())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NVIDIA's files are what they are
        torch.jit.trace(root, torch.zeros(1)).save(str(path))
    return path


def names_in(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())
