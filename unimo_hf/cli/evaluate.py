# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate`: the paper's metrics as a table, with baselines."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from . import options
from .reporting import describe_error, print_text, say

if TYPE_CHECKING:
    from ..evaluation.training_statistics import TrainingStatistics

LEAST_WIDTH = 140  # columns of text: a table with all baselines

evaluate_app = typer.Typer(help="Measure a model: the paper's metrics, next to baselines.", no_args_is_help=True)

Clips = Annotated[Path, typer.Argument(metavar="CLIPS", help="A folder that `unimo data render` wrote.")]
Batch = Annotated[int, typer.Option("--batch-size", min=1, help="Clips at a time.")]
AccelVariant = Annotated[
    Literal["gvhmr", "wham"],
    typer.Option("--accel-variant", help="Accel of all frames, or without the first and last value as WHAM has it."),
]


@evaluate_app.command("motion-vqvae", epilog="Example:  unimo evaluate motion-vqvae assets/motions/test")
def motion_vqvae(
    motions: Annotated[
        list[str] | None, typer.Argument(metavar="MOTIONS", help="Motion files, globs, or folders of them.")
    ] = None,
    more_motions: Annotated[
        list[str] | None, typer.Option("--motions", metavar="PATH", help="Another way to name MOTIONS.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="The checkpoint that ships, a folder (checkpoint or motion tokenizer alone), or a Hub repository.",
        ),
    ] = options.DEFAULT_MODEL,
    frames: Annotated[
        int, typer.Option("--frames", min=1, help="Frames of a clip; motions are cut into as many as they fill.")
    ] = 65,
    batch_size: Batch = 32,
    accel_variant: AccelVariant = "gvhmr",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Encode and decode motions, and say how far what comes back is from what went in: the paper's table 1."""
    paths = [*(motions or []), *(more_motions or [])]
    if not paths:
        raise typer.BadParameter("name at least one motion file or folder.", param_hint="MOTIONS")
    from ..evaluation.evaluate_motion_vqvae import evaluate_motion_vqvae
    from ..evaluation.load_motion_vqvae import load_motion_vqvae
    from ..motion.body import Body
    from ..motion.motion import load_collection

    skipped: list[tuple[Path, Exception]] = []
    records = [motion for _, motion in load_collection(paths, skipped)]
    if not records:
        error = skipped[0][1]
        raise ValueError(f"No motion could be read; the first error: {describe_error(error)}") from error
    tokenizer = load_motion_vqvae(model)
    result = evaluate_motion_vqvae(
        tokenizer.model.to(options.find_device(device)),
        records,
        Body.load(),
        model=model,
        weights_bytes=tokenizer.weights_bytes,
        frames=frames,
        statistics=_statistics(tokenizer.folder),
        seed=seed,
        batch_size=batch_size,
        accel_variant=accel_variant,
    )
    result["failures"] += [{"input": str(path), "error": describe_error(error)} for path, error in skipped]
    _report(result, as_json)


@evaluate_app.command("video-fsq", epilog="Example:  unimo evaluate video-fsq clips")
def video_fsq(
    clips: Clips,
    model: options.Model = options.DEFAULT_MODEL,
    batch_size: Batch = 8,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Encode and decode videos, and say how far what comes back is from what went in."""
    from ..evaluation.evaluate_video_fsq import evaluate_video_fsq

    files, _ = _load_clips(clips)
    pipeline = options.load_pipeline(model, device)
    _report(evaluate_video_fsq(pipeline.video_fsq, files, model=model, seed=seed, batch_size=batch_size), as_json)


@evaluate_app.command("v2m", epilog="Example:  unimo evaluate v2m clips --json")
def v2m(
    clips: Clips,
    model: options.Model = options.DEFAULT_MODEL,
    batch_size: Batch = 16,
    accel_variant: AccelVariant = "gvhmr",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Score video to motion, by likeliest and mean codes and the paper's sampling, next to simple baselines."""
    from ..evaluation.evaluate_v2m import evaluate_v2m

    files, camera = _load_clips(clips)
    pipeline = options.load_pipeline(model, device)
    result = evaluate_v2m(
        pipeline,
        files,
        model=model,
        camera=camera,
        default_decoding=pipeline.default_decoding("v2m"),
        statistics=_statistics(pipeline.folder),
        seed=seed,
        batch_size=batch_size,
        accel_variant=accel_variant,
    )
    _report(result, as_json)


@evaluate_app.command("i2vm", epilog="Example:  unimo evaluate i2vm clips --json")
def i2vm(
    clips: Clips,
    model: options.Model = options.DEFAULT_MODEL,
    batch_size: Batch = 16,
    accel_variant: AccelVariant = "gvhmr",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Generate from the first frame of each clip: does the motion fit the video, and does it move as people do?"""
    from ..evaluation.evaluate_i2vm import evaluate_i2vm

    files, camera = _load_clips(clips)
    pipeline = options.load_pipeline(model, device)
    result = evaluate_i2vm(
        pipeline, files, model=model, camera=camera, seed=seed, batch_size=batch_size, accel_variant=accel_variant
    )
    _report(result, as_json)


def _load_clips(folder: Path) -> tuple[Sequence[Any], str]:
    """The clips of a folder, and the kind of camera that saw them."""
    from ..data.clips import load_clips

    clips = load_clips(folder)
    return clips, clips.camera


def _statistics(folder: Path | None) -> "TrainingStatistics | None":
    """What the baselines know of the training set; a checkpoint need not carry it."""
    from ..evaluation.training_statistics import TrainingStatistics

    try:
        return TrainingStatistics.load(folder) if folder else None
    except FileNotFoundError:
        say("The checkpoint has no statistics of its training set; baselines that need them are left out.")
        return None


def _report(result: dict[str, Any], as_json: bool) -> None:
    from ..evaluation.table import result_json, result_table

    if as_json:
        print_text(result_json(result))
    else:
        # Better a line that runs over the edge of a narrow window than numbers that are cut.
        console = Console()
        console.width = max(console.width, LEAST_WIDTH)
        console.print(result_table(result))
    if result["failures"]:
        say("", f"{len(result['failures'])} inputs could not be used:")
        for failure in result["failures"]:
            say(f"  {failure['input']}: {failure['error']}")
        raise typer.Exit(1)
