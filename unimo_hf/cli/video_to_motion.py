# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo v2m`: videos become motion."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options
from .inputs import VIDEO_SUFFIXES, check_outputs, find_inputs, output_stems
from .reporting import OnFrames, finish, run_each


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
    pipeline = options.load_pipeline(model, device)
    output.mkdir(parents=True, exist_ok=True)

    def work(video: Path, on_frames: OnFrames) -> dict[str, Any]:
        motion_path = stems[video].with_name(f"{stems[video].name}.npz")
        overlay_path = stems[video].with_name(f"{stems[video].name}.overlay.mp4")
        check_outputs([motion_path, overlay_path], video, overwrite)
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

    rows, failures = run_each(videos, work, "video to motion")
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
