# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Options that several commands share, and the model they choose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .reporting import progress_bar

if TYPE_CHECKING:
    from ..pipelines.unimo_pipeline import UniMoPipeline

DEFAULT_MODEL = "unimo-tiny"

Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for what is made; created where missing.")]
Model = Annotated[
    str, typer.Option("--model", "-m", help="The checkpoint that ships, a folder, or a Hugging Face Hub repository.")
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:1, mps; auto takes CUDA where there is one.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
Sample = Annotated[
    bool | None,
    typer.Option("--sample/--greedy", help="Draw tokens, or take the likeliest; the model's own way if left out."),
]
TopP = Annotated[
    float | None,
    typer.Option("--top-p", min=0.0, max=1.0, help="Draw among the likeliest tokens that have this probability."),
]
Temperature = Annotated[
    float | None, typer.Option("--temperature", min=0.01, help="Above 1 more varied, below 1 closer to the likeliest.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that stand beside an input.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def load_pipeline(model: str, device: str = "auto") -> "UniMoPipeline":
    """Load a checkpoint and put it where it shall compute.

    Raises:
        ValueError: If the device is unknown, or this machine has no such device.
    """
    with progress_bar() as bar:
        bar.add_task(f"loading {model}", total=None)
        device = find_device(device)
        from ..pipelines.unimo_pipeline import UniMoPipeline

        return UniMoPipeline.from_pretrained(model).to(device)


def find_device(device: str) -> str:
    """Say what `auto` is here; raises `ValueError` if the device is unknown, or this machine has no such device."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device).tolist()  # the device `meta` holds no numbers
    except (RuntimeError, AssertionError) as error:  # NotImplementedError is a RuntimeError
        raise ValueError(f"--device {device}: this machine, or this build of torch, has no such device.") from error
    return device
