# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo data`: from motion capture to clips, from clips to the codes that the model learns from."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from . import options
from .reporting import print_json, print_table

data_app = typer.Typer(help="Draw clips from motion capture, and turn them into codes.", no_args_is_help=True)


@data_app.command(
    "render", epilog="Example:  unimo data render assets/motions/train -o clips --clips 1000 --camera front"
)
def render(
    motions: Annotated[
        str, typer.Argument(metavar="MOTIONS", help="A folder such as assets/motions/train, a motion file, or a glob.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the clips.")],
    clips: Annotated[int, typer.Option("--clips", min=1, help="How many clips to draw.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same clips.")] = 0,
    size: Annotated[int, typer.Option("--size", min=32, help="Side of the square pictures, pixels.")] = 128,
    camera: Annotated[
        Literal["front", "around"], typer.Option("--camera", help="Up to 60 degrees from the front, or all around.")
    ] = "front",
    frames: Annotated[int, typer.Option("--frames", min=1, help="Frames of a clip, 8k + 1.")] = 17,
    fps: Annotated[float, typer.Option("--fps", min=1.0, help="Frames per second of a clip.")] = 15.0,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes; one a core if left out.")] = None,
    as_json: options.Json = False,
) -> None:
    """Play motion capture on the free body and draw it: clips of video with their motion in the camera's frame."""
    from ..data.rendering import render_clips

    start = time.perf_counter()
    render_clips(
        motions, output, clips=clips, seed=seed, size=size, camera=camera, workers=workers, frames=frames, fps=fps
    )
    _report(
        "Clips", {"clips": clips, "folder": str(output), "seed": seed, "camera": camera, "size": size}, start, as_json
    )


@data_app.command("encode", epilog="Example:  unimo data encode clips -o shards --model runs/unimo-tiny")
def encode(
    clips: Annotated[Path, typer.Argument(metavar="CLIPS", help="A folder that `unimo data render` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the shards.")],
    model: options.Model = options.DEFAULT_MODEL,
    as_json: options.Json = False,
) -> None:
    """Turn clips into shards of codes (video and motion), so that they are encoded once and never again."""
    from ..data.shards import encode_clips

    start = time.perf_counter()
    encoded = encode_clips(clips, output, model=model)
    _report(
        "Code shards", {"clips": encoded, "source": str(clips), "folder": str(output), "model": model}, start, as_json
    )


def _report(title: str, facts: dict[str, Any], start: float, as_json: bool) -> None:
    row = {**facts, "seconds": round(time.perf_counter() - start, 2)}
    if as_json:
        print_json(row)
    else:
        print_table(title, [row])
