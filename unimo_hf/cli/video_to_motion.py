# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo v2m`: videos become motion."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .inputs import VIDEO_SUFFIXES, check_folder, check_outputs, find_inputs, output_stems, with_endings
from .kinds import told_apart
from .reporting import OnFrames, finish, run_each_with_model

if TYPE_CHECKING:
    from ..pipelines.unimo_pipeline import UniMoPipeline

ENDINGS = (".npz", ".overlay.mp4")


def video_to_motion(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Videos, folders of videos, or globs.")],
    output: options.Output,
    model: options.Model = options.DEFAULT_MODEL,
    overlay: Annotated[bool, typer.Option("--overlay/--no-overlay", help="Also draw the body over the video.")] = True,
    sample: options.Sample = None,
    top_p: options.TopP = None,
    temperature: options.Temperature = None,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Turn videos into 3D human motion.

    For each input, writes NAME.npz (SMPL-X parameters, in metres and radians, in the frame of the camera; opens in the
    SMPL-X Blender add-on) and NAME.overlay.mp4 (the body drawn over the video).
    """
    videos = find_inputs(inputs, VIDEO_SUFFIXES)
    stems = output_stems(videos, output)
    check_folder(output)

    def look(video: Path) -> None:
        check_outputs(with_endings(stems[video], ENDINGS), video, overwrite)
        check_video(video)

    def work(pipeline: "UniMoPipeline", video: Path, on_frames: OnFrames) -> dict[str, Any]:
        motion_path, overlay_path = with_endings(stems[video], ENDINGS)
        start = time.perf_counter()
        motion = pipeline.video_to_motion(
            video, do_sample=sample, top_p=top_p, temperature=temperature, seed=seed, on_frames=on_frames
        )
        motion.save(motion_path)
        if overlay:
            pipeline.draw(video, motion, overlay_path)
        return {
            "input": video,
            "motion": motion_path,
            "overlay": overlay_path if overlay else None,
            "frames": len(motion),
            "fps": motion.fps,
            "seconds": round(time.perf_counter() - start, 2),
        }

    rows, failures = run_each_with_model(
        videos, look, lambda: options.load_pipeline(model, device), work, "video to motion"
    )
    finish(
        f"Video to motion, in {output}",
        rows,
        failures,
        as_json,
        task="v2m",
        coordinates="camera",
        model=model,
        seed=seed,
    )


def check_video(path: Path) -> None:
    """Raise `ValueError` that says what a file is if it is no video."""
    from ..video.reading import probe_video

    with told_apart(path, "a video"):
        probe_video(path)
