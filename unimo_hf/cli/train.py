# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo train`: the training loops, each with one recipe file."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

train_app = typer.Typer(
    help="Train a tokenizer or the model. With many GPUs: accelerate launch -m unimo_hf.training.unimo RECIPE.",
    no_args_is_help=True,
)

Recipe = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe (YAML), such as those in configuration/.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder for checkpoints and logs; the recipe's if left out.")
]
Resume = Annotated[
    bool, typer.Option("--resume/--no-resume", help="Go on from the last checkpoint in the folder, or start again.")
]


@train_app.command(
    "motion-vqvae", epilog="Example:  unimo train motion-vqvae configuration/train_motion_vqvae_tiny.yaml"
)
def motion_vqvae(recipe: Recipe, output: Output = None, resume: Resume = True) -> None:
    """Train the motion tokenizer (stage 1)."""
    _train("motion_vqvae", recipe, output, resume)


@train_app.command("video-fsq", epilog="Example:  unimo train video-fsq configuration/train_video_fsq_tiny.yaml")
def video_fsq(recipe: Recipe, output: Output = None, resume: Resume = True) -> None:
    """Train the video tokenizer (stage 1)."""
    _train("video_fsq", recipe, output, resume)


@train_app.command("unimo", epilog="Example:  unimo train unimo configuration/train_unimo_tiny.yaml")
def unimo(recipe: Recipe, output: Output = None, resume: Resume = True) -> None:
    """Train the autoregressive model on the codes of both tokenizers (stage 2)."""
    _train("unimo", recipe, output, resume)


def _train(module: str, recipe: Path, output: Path | None, resume: bool) -> None:
    importlib.import_module(f"..training.{module}", __package__).train(
        recipe, output=str(output) if output else None, resume=resume
    )
