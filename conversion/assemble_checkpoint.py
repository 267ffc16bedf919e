# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Make the checkpoint that ships: half precision, generation settings, statistics for the baselines, the card.

Example: python conversion/assemble_checkpoint.py runs/unimo_tiny unimo_hf/checkpoints/unimo-tiny
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import torch
from one_line_errors import one_line_errors
from transformers import GenerationConfig

from unimo_hf.atomic import follow_umask
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.evaluation.training_statistics import TrainingClip, build_training_statistics
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.pixel_range import to_model_range
from unimo_hf.model.processing_unimo import UniMoProcessor
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion, load_collection
from unimo_hf.pipelines.checkpoint import load_network, load_processor, resolve_checkpoint


def main() -> None:
    """Write the folder given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trained", help="folder that `unimo train unimo` wrote")
    parser.add_argument("output", type=Path, help="folder of the checkpoint; its examples stay")
    parser.add_argument("--motions", default="assets/motions/train", help="the training motions")
    parser.add_argument("--clips", type=int, default=1500, help="clips a camera for the mean joints")
    parser.add_argument("--bank", type=int, default=300, help="clips a camera for the nearest-clip baseline")
    parser.add_argument("--card", type=Path, default=Path("model_cards/unimo-tiny.md"))
    parser.add_argument("--seed", type=int, default=1, help="seed of those clips")
    parser.add_argument(
        "--mean-codes", nargs="*", choices=("v2m", "i2vm"), default=[], help="tasks whose motion codes are mean ones"
    )
    parser.add_argument("--i2vm-top-p", type=float, help="mass of the nucleus of I2VM, if not the paper's")
    arguments = parser.parse_args()
    with one_line_errors(parser.prog):
        assemble(arguments, arguments.output)


def assemble(arguments: argparse.Namespace, output: Path) -> None:
    """Write the checkpoint.

    Raises:
        ValueError: If the trained model is not whole or damaged; names the part.
        OSError: If a file can't be read or written.
    """
    card = arguments.card.read_bytes()  # what is missing shall be said before the work
    folder = resolve_checkpoint(arguments.trained)
    kinds = {"": UniMoForConditionalGeneration, "motion_vqvae": MotionVQVAE, "video_fsq": VideoFSQ}
    networks = {part: load_network(kind, folder, part, dtype=torch.float32) for part, kind in kinds.items()}
    settings = json.loads(Path("configuration/generation_config.json").read_text(encoding="utf-8"))
    task_options = settings["task_options"]
    if arguments.i2vm_top_p is not None:
        task_options["i2vm"] = {"top_p": arguments.i2vm_top_p}
    for task in arguments.mean_codes:
        task_options.setdefault(task, {})["mean_codes"] = True
    networks[""].generation_config = GenerationConfig(**settings)
    processor = load_processor(folder)
    statistics = build_training_statistics(
        training_clips(arguments, networks["video_fsq"], processor), Body.load(), bank_clips=2 * arguments.bank
    )
    for part, network in networks.items():
        # Float16 keeps three more bits than bfloat16, and no weight of these networks leaves its range.
        network.half().save_pretrained(output / part)
        follow_umask(*(output / part).glob("model*.safetensors"))
    processor.save_pretrained(output)
    statistics.save(output)
    (output / "README.md").write_bytes(card)


@torch.no_grad()
def training_clips(
    arguments: argparse.Namespace, video_fsq: VideoFSQ, processor: UniMoProcessor
) -> Iterator[TrainingClip]:
    """Clips of the training set; the first of each camera are drawn and encoded, the rest is motion alone."""
    motions = load_collection(arguments.motions)
    for offset, camera in enumerate(("front", "around")):
        settings = ClipSettings(processor.frames, processor.fps, processor.size, camera)
        source = ClipSource(motions, settings, arguments.seed + offset)
        for index in range(arguments.clips):
            clip = source.draw(index) if index < arguments.bank else None
            if clip is None:
                yield TrainingClip(camera, as_motion(source.parameters(index), processor.fps))
                continue
            video = to_model_range(torch.as_tensor(clip.video)[None])
            yield TrainingClip(camera, clip.motion, video_fsq.encode(video)[0])


def as_motion(parameters: dict[str, torch.Tensor], fps: float) -> Motion:
    """SMPL-X parameters of a clip, one shape a frame, as a motion."""
    arrays = {name: values.numpy() for name, values in parameters.items()}
    return Motion(**{**arrays, "betas": arrays["betas"][0]}, fps=fps)


if __name__ == "__main__":
    main()
