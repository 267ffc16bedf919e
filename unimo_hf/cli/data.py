# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo data`: motion files in another form, clips drawn from motion capture, codes of clips, redrawn clips."""

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from . import options
from .inputs import check_folder, check_outputs, output_of
from .kinds import told_apart
from .reporting import OnFrames, finish, print_json, print_table, run_each

data_app = typer.Typer(
    help="Convert motion files, draw clips from motion capture, encode them, and redraw them.",
    no_args_is_help=True,
)


@data_app.command(
    "convert", epilog="Example:  unimo data convert AMASS results/hmr4d_results.pt -o motions --format bvh"
)
def convert(
    motions: Annotated[
        list[str], typer.Argument(metavar="MOTIONS", help="Motion files of any known form, globs, or folders of them.")
    ],
    output: options.Output,
    form: Annotated[
        Literal["npz", "safetensors", "bvh"],
        typer.Option("--format", help="npz opens in the SMPL-X Blender add-on, bvh in programs that know no SMPL-X."),
    ] = "npz",
    fps: Annotated[
        float | None, typer.Option("--fps", help="Frames per second of the files, where they do not say it.")
    ] = None,
    coordinates: Annotated[
        Literal["camera", "world"] | None,
        typer.Option("--coordinates", help="The frame of reference to read, where a file has both."),
    ] = None,
    up: Annotated[
        Literal["y", "-y", "z"] | None,
        typer.Option("--up", help="The axis of the world that points up, where the files do not say it."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Read motions of AMASS, GVHMR, WHAM, BEDLAM, 3DPW, RICH, Motion-X, AIST++ or BVH and write them in one form."""
    from ..motion.motion import read_source
    from ..motion.sources import find_sources

    # A sequence of RICH has many files; the first stands for it.
    sources = {source.frames[0] if source.frames else source.path: source for source in find_sources(motions)}
    if not sources:
        raise ValueError(f"{', '.join(motions)}: no motion file was found.")
    check_folder(output)

    taken: set[Path] = set()

    def work(path: Path, _: OnFrames) -> dict[str, Any]:
        with told_apart(path, "a motion file"):
            read = read_source(sources[path], fps, coordinates, up)
        written = [output_of(name, output, form) for name, _motion in read]
        check_outputs(written, path, overwrite=False)
        if repeated := [file for file in written if file in taken or written.count(file) > 1]:
            raise ValueError(f"{repeated[0]} would be written twice; convert the inputs into folders of their own.")
        for file, (_name, motion) in zip(written, read, strict=True):
            motion.save(file)
            taken.add(file)
        first = read[0][1]
        return {
            "input": path,
            "motions": len(read),
            "frames": sum(len(motion) for _name, motion in read),
            "fps": first.fps,
            "frame of reference": f"{first.coordinates}, {first.up} up",
            "output": written[0] if len(written) == 1 else output,
        }

    finish("Motions", *run_each(list(sources), work, "converting"), as_json, folder=str(output))


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
    check_folder(output)
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
    from ..data.clips import load_clips
    from ..data.encoding import encode_clips
    from ..data.shards import METADATA
    from ..output_folder import check_unfinished

    start = time.perf_counter()
    check_folder(output)
    check_unfinished(output, METADATA)
    found = load_clips(clips)
    pipeline = options.load_pipeline(model)
    encoded = encode_clips(found, output, pipeline.tokenizers)
    _report(
        "Code shards", {"clips": encoded, "source": str(clips), "folder": str(output), "model": model}, start, as_json
    )


@data_app.command(
    "redraw", epilog="Example:  unimo data redraw shards -o redrawn --model runs/unimo-tiny --clips 2000"
)
def redraw(
    shards: Annotated[
        Path, typer.Argument(metavar="SHARDS", help="A folder that `unimo data encode` or a training wrote.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the new shards.")],
    model: options.Model = options.DEFAULT_MODEL,
    clips: Annotated[int, typer.Option("--clips", min=1, help="How many; the last of the folder.")] = 2000,
    seed: options.Seed = 0,
    top_p: options.TopP = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Clips at a time.")] = 16,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Let a model draw the pictures of clips as it expects them, for it to learn to read people as it makes them."""
    from unimo_hf.training.tiny.redrawn_clips import redraw_clips

    from ..data.shards import METADATA, CodeShards
    from ..output_folder import check_unfinished

    start = time.perf_counter()
    check_folder(output)
    check_unfinished(output, METADATA)
    encoded = CodeShards(shards)
    pipeline = options.load_pipeline(model, device)
    done = redraw_clips(pipeline, encoded, output, clips=clips, seed=seed, top_p=top_p, batch_size=batch_size)
    facts = {"clips": done, "source": str(shards), "folder": str(output), "model": model, "seed": seed}
    _report("Redrawn clips", facts, start, as_json)


def _report(title: str, facts: dict[str, Any], start: float, as_json: bool) -> None:
    row = {**facts, "seconds": round(time.perf_counter() - start, 2)}
    if as_json:
        print_json(row)
    else:
        print_table(title, [row])
