# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo demo`: both tasks, with what ships."""

import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options
from .inputs import check_folder
from .reporting import print_json, print_table, progress_bar


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for what is made.")] = Path("unimo-demo"),
    model: options.Model = options.DEFAULT_MODEL,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Run both tasks with the checkpoint and the inputs that ship, and say what was made and where."""
    from ..video.writing import write_video

    check_folder(output)
    watch = _Watch()
    pipeline = options.load_pipeline(model, device)
    watch.note("load the model", model)
    output.mkdir(parents=True, exist_ok=True)
    names = ("clip.npz", "clip.overlay.mp4", "person.mp4", "person.npz", "person.overlay.mp4")
    motion_path, overlay_path, made_video, made_motion, made_overlay = (output / name for name in names)
    examples = files("unimo_hf") / "checkpoints" / options.DEFAULT_MODEL / "examples"
    with as_file(examples / "clip.mp4") as clip, as_file(examples / "person.png") as picture, progress_bar() as bar:
        task = bar.add_task("video to motion", total=4)
        motion = pipeline.video_to_motion(clip, seed=seed)
        motion.save(motion_path)
        watch.note("video → motion", motion_path)
        bar.update(task, advance=1, description="drawing the body over the video")

        pipeline.draw(clip, motion, overlay_path)
        watch.note("body drawn over the video", overlay_path)
        bar.update(task, advance=1, description="picture to video and motion")

        video, motion = pipeline.image_to_video_and_motion(picture, seed=seed)
        write_video(made_video, video.frames, fps=video.fps, provenance=motion.provenance)
        motion.save(made_motion)
        watch.note("picture → video and motion", made_video, made_motion)
        bar.update(task, advance=1, description="drawing the body over the video")

        pipeline.draw(made_video, motion, made_overlay)
        watch.note("body drawn over that video", made_overlay)
        bar.advance(task)

    if as_json:
        print_json({"model": model, "seed": seed, "results": watch.rows})
    else:
        print_table(f"Made in {output} with {model}", watch.rows)


class _Watch:
    """Notes what was made, and the seconds since the note before."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._start = time.perf_counter()

    def note(self, what: str, *made: str | Path) -> None:
        now = time.perf_counter()
        self.rows.append({"what": what, "where": [str(one) for one in made], "seconds": round(now - self._start, 2)})
        self._start = now
