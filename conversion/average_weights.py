# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Average the weights of AR models that go back to one start: one model, often better than each.

All that is not the AR model is that of the first run. Source: Wortsman et al. 2022, "Model soups" (uniform soup).

Example: python conversion/average_weights.py runs/unimo_tiny runs/unimo_tiny_redrawn --output runs/unimo_tiny_mean
"""

import argparse
import shutil
from pathlib import Path

import torch

from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration

# At the top of a run: the weights themselves, and what belongs to one run alone.
LEFT_OUT = shutil.ignore_patterns("checkpoints", "log.jsonl", "training_only.safetensors", "model*.safetensors*")


def main() -> None:
    """Write the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders that `unimo train unimo` wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder of the mean")
    arguments = parser.parse_args()
    average_weights(arguments.runs, arguments.output)


@torch.no_grad()
def average_weights(runs: list[Path], output: Path) -> None:
    """Write a checkpoint with the mean weights of several.

    Args:
        runs (`list[Path]`): Folders of checkpoints. Two models at a time are in memory.
        output (`Path`): Folder to write.

    Raises:
        ValueError: If the models do not have the same weights by name and shape, or `output` exists.
    """
    if output.exists():
        raise ValueError(f"{output} exists; name another folder or remove it.")
    mean = UniMoForConditionalGeneration.from_pretrained(runs[0], dtype=torch.float32)
    sums = mean.state_dict()
    for run in runs[1:]:
        weights = UniMoForConditionalGeneration.from_pretrained(run, dtype=torch.float32).state_dict()
        if shapes_of(weights) != shapes_of(sums):
            raise ValueError(f"{run} holds another model than {runs[0]}: names or shapes of its weights differ.")
        for name, value in weights.items():
            sums[name] += value
    for value in sums.values():
        value /= len(runs)
    top = str(runs[0])
    shutil.copytree(top, output, ignore=lambda folder, names: LEFT_OUT(folder, names) if folder == top else ())
    mean.save_pretrained(output)


def shapes_of(weights: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    """The shape of each weight, by its name."""
    return {name: value.shape for name, value in weights.items()}


if __name__ == "__main__":
    main()
