# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo i2vm`: a picture becomes a video and its motion."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import options
from .inputs import PICTURE_SUFFIXES, check_folder, check_outputs, find_inputs, output_stems, with_endings
from .kinds import told_apart
from .reporting import OnFrames, finish, run_each_with_model

if TYPE_CHECKING:
    from ..pipelines.unimo_pipeline import UniMoPipeline

ENDINGS = (".mp4", ".npz", ".overlay.mp4")

VideoDecoder = Annotated[
    Literal["fsq", "diffusion"],
    typer.Option(
        "--video-decoder", help="Quick pictures, or good ones by the checkpoint's diffusion decoder, if it has one."
    ),
]


def image_to_video_and_motion(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Pictures of a person, folders of them, or globs.")
    ],
    output: options.Output,
    model: options.Model = options.DEFAULT_MODEL,
    sample: options.Sample = None,
    top_p: options.TopP = None,
    temperature: options.Temperature = None,
    seed: options.Seed = 0,
    video_decoder: VideoDecoder = "fsq",
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Let the person in a picture move.

    For each input, writes NAME.mp4 (the generated video), NAME.npz (its motion: SMPL-X parameters, in metres and
    radians, in the frame of the camera) and NAME.overlay.mp4 (that motion drawn over that video).
    """
    pictures = find_inputs(inputs, PICTURE_SUFFIXES)
    stems = output_stems(pictures, output)
    check_folder(output)
    sampling = {"do_sample": sample, "top_p": top_p, "temperature": temperature, "seed": seed}

    def look(picture: Path) -> None:
        check_outputs(with_endings(stems[picture], ENDINGS), picture, overwrite)
        check_picture(picture)

    def work(pipeline: "UniMoPipeline", picture: Path, on_frames: OnFrames) -> dict[str, Any]:
        from ..video.writing import write_video

        video_path, motion_path, overlay_path = with_endings(stems[picture], ENDINGS)
        start = time.perf_counter()
        video, motion = pipeline.image_to_video_and_motion(
            picture, **sampling, video_decoder=video_decoder, on_step=on_frames
        )
        write_video(video_path, video.frames, fps=video.fps, provenance=motion.provenance)
        motion.save(motion_path)
        pipeline.draw(video_path, motion, overlay_path)
        return {
            "input": picture,
            "video": video_path,
            "motion": motion_path,
            "overlay": overlay_path,
            "frames": len(motion),
            "fps": motion.fps,
            "seconds": round(time.perf_counter() - start, 2),
        }

    rows, failures = run_each_with_model(
        pictures, look, lambda: options.load_pipeline(model, device), work, "picture to video and motion"
    )
    finish(
        f"Picture to video and motion, in {output}",
        rows,
        failures,
        as_json,
        task="i2vm",
        coordinates="camera",
        model=model,
        seed=seed,
    )


def check_picture(path: Path) -> None:
    """Raise `ValueError` that says what a file is if it is no picture."""
    from ..video.pictures import read_picture

    with told_apart(path, "a picture"):
        read_picture(path)
