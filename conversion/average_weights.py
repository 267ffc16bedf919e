# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Average the weights of AR models that go back to one start: one model, often better than each.

All that is not the AR model is that of the first run. Source: Wortsman et al. 2022, "Model soups" (uniform soup).

Example: python conversion/average_weights.py runs/unimo_tiny runs/unimo_tiny_redrawn --output runs/unimo_tiny_mean
"""

import argparse
import glob
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from checkpoint_writing import new_folder
from one_line_errors import one_line_errors

from unimo_hf.atomic import follow_umask
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.pipelines.checkpoint import load_network, resolve_checkpoint
from unimo_hf.pipelines.checkpoint_files import copy_file, files_inside

# At the top of a run: the weights themselves, and what belongs to one run alone.
LEFT_OUT = ("checkpoints", "log.jsonl", "training_only.safetensors", "model*.safetensors*", ".*")


def main() -> None:
    """Write the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="folders that `unimo train unimo` wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder of the mean")
    arguments = parser.parse_args()
    with one_line_errors(parser.prog):
        average_weights(arguments.runs, arguments.output)


@torch.no_grad()
def average_weights(runs: Sequence[str | os.PathLike], output: Path) -> None:
    """Write a checkpoint with the mean weights of several.

    Args:
        runs (`Sequence[str | os.PathLike]`): Checkpoints. Two models at a time are in memory.
        output (`Path`): Folder to write.

    Raises:
        ValueError: If the models do not have the same weights by name and shape, `output` exists, or a file of the
            first run is a link that leads out of it.
    """
    if output.exists():
        raise ValueError(f"{output} exists; name another folder or remove it.")
    first, *others = map(resolve_checkpoint, runs)
    kept = [glob.escape(entry.name) for entry in first.iterdir() if not any(map(entry.match, LEFT_OUT))]
    files = files_inside(first, [pattern for name in kept for pattern in (name, f"{name}/**/*")])
    mean = load_network(UniMoForConditionalGeneration, first, dtype=torch.float32)
    sums = mean.state_dict()
    for run in others:
        weights = load_network(UniMoForConditionalGeneration, run, dtype=torch.float32).state_dict()
        if shapes_of(weights) != shapes_of(sums):
            raise ValueError(f"{run} holds another model than {first}: names or shapes of its weights differ.")
        for name, value in weights.items():
            sums[name] += value
    for value in sums.values():
        value /= len(runs)
    with new_folder(output, sum(file.stat().st_size for file in files) + mean.get_memory_footprint()) as folder:
        for file in files:
            copy_file(file, folder / file.relative_to(first))
        mean.save_pretrained(folder)
        follow_umask(*folder.glob("model*.safetensors"))


def shapes_of(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    """The shape of each weight, by its name."""
    return {name: value.shape for name, value in weights.items()}


if __name__ == "__main__":
    main()
