# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How kind a motion tokenizer is to the AR model: the V2M error that a short training reaches on its codes."""

import math
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from unimo_hf import MotionVQVAEConfig, UniMoPipeline, VideoFSQ, VideoFSQConfig
from unimo_hf.data.shards import encode_batch, fingerprints
from unimo_hf.model.motion_features import parameters_to_frames
from unimo_hf.motion.body import Body
from unimo_hf.pipelines.checkpoint import load_network, resolve_checkpoint
from unimo_hf.training import unimo
from unimo_hf.training.drawn_dataset import drawn_dataset
from unimo_hf.training.joints import joints_of_frames, mpjpe_mm
from unimo_hf.training.recipe import DrawnData
from unimo_hf.training.unimo import Tokenizers, UniMoRecipe

BATCH = 32


def unpack_video_fsq(folder: Path) -> Path:
    """Write the video tokenizer that ships in float32, as training reads it, into a folder named after its weights."""
    model = load_network(VideoFSQ, resolve_checkpoint("unimo-tiny"), "video_fsq", dtype="float32")
    (digest,) = fingerprints(model).values()
    path = folder / f"video_fsq-{digest}"
    if not path.exists():
        model.save_pretrained(path)
    return path


def probe_recipe(base: UniMoRecipe, video_fsq: Path, motion_vqvae: Path, pictures: Path) -> UniMoRecipe:
    """Fit a recipe of the AR model to a pair of tokenizers; no more clips are drawn than its steps can see.

    Args:
        base ([`UniMoRecipe`]): Sizes, options and schedule.
        video_fsq (`Path`): Folder of the video tokenizer.
        motion_vqvae (`Path`): Folder of the motion tokenizer.
        pictures (`Path`): Folder that keeps drawn clips for the next tokenizer.
    """
    video = VideoFSQConfig.from_pretrained(video_fsq)
    motion = MotionVQVAEConfig.from_pretrained(motion_vqvae)
    codes = motion.codes_per_frame
    rows = max(row for row in range(1, math.isqrt(codes) + 1) if codes % row == 0)
    model = base.model | {
        "visual_vocab_size": video.codebook_size,
        "motion_vocab_size": motion.codebook_size,
        "codes_per_frame": codes,
        "motion_grid": [rows, codes // rows],
    }
    drawn = base.drawn or DrawnData()
    seen = math.ceil(base.optimisation.steps * base.optimisation.batch_size / 2) + 1
    front, around = min(drawn.front, seen), min(drawn.around, seen)
    cache = pictures / f"train_{front}_{around}"
    return replace(
        base,
        start=None,
        model=model,
        tokenizers=Tokenizers(str(video_fsq), str(motion_vqvae)),
        drawn=replace(drawn, front=front, around=around, cache=str(cache)),
        validation_clips=1,
    )


def probe(recipe: UniMoRecipe, folder: Path, test: str, clips: int) -> dict[str, float]:
    """Train by a recipe and read the motion off clips of people that were not trained on.

    Args:
        recipe ([`UniMoRecipe`]): As [`probe_recipe`] makes it.
        folder (`Path`): Folder of the run.
        test (`str`): Motions of those people.
        clips (`int`): Clips of them, half of them from the front.

    Returns:
        `dict`: As [`v2m_error`].
    """
    model = folder / "model"
    unimo.train(replace(recipe, output=str(model), shards=str(folder / "shards")))
    drawn = recipe.drawn or DrawnData()
    held_out = replace(drawn, motions=test, front=clips // 2, around=clips - clips // 2, varied=0.0)
    cache = None if drawn.cache is None else str(Path(drawn.cache).with_name(f"test_{clips}"))
    return v2m_error(model, replace(held_out, cache=cache), mean_codes=bool(recipe.options.motion_smoothing))


@torch.no_grad()
def v2m_error(checkpoint: Path, drawn: DrawnData, mean_codes: bool) -> dict[str, float]:
    """MPJPE of V2M against the true motion, root-aligned, millimetres.

    Args:
        checkpoint (`Path`): Folder of the trained model.
        drawn ([`DrawnData`]): Clips.
        mean_codes (`bool`): Whether codes are those nearest to the mean under the model, else the likeliest. Where
            targets were spread over neighbours, the likeliest of many alike is a lottery, as in validation.

    Returns:
        `dict`: `v2m_mpjpe`, and `v2m_constant_mpjpe`, that of the mean joints of the very clips it is measured on,
        which no answer that ignores the pictures can beat by much.
    """
    pipeline, body = UniMoPipeline.from_pretrained(checkpoint), Body.load()
    vectors = pipeline.motion_vqvae.codebook.codes if mean_codes else None
    found, truth = [], []
    for batch in DataLoader(drawn_dataset(drawn), BATCH):
        visual_codes, _ = encode_batch(batch, pipeline.video_fsq, pipeline.motion_vqvae)
        condition = pipeline.processor.build_condition("v2m", visual_codes)["input_ids"]
        target = pipeline.model.generate_target(condition, do_sample=False, motion_vectors=vectors)
        frames = pipeline.motion_vqvae.decode(pipeline.processor.post_process(target).motion_codes)
        found.append(joints_of_frames(body, frames, pipeline.motion_vqvae.config.rotation)[0])
        parameters = {key: value for key, value in batch.items() if key != "video"}
        truth.append(joints_of_frames(body, parameters_to_frames(**parameters), "6d")[0])
    joints = torch.cat(truth)
    constant = joints.mean(dim=(0, 1), keepdim=True)
    return {
        "v2m_mpjpe": float(mpjpe_mm(torch.cat(found), joints).mean()),
        "v2m_constant_mpjpe": float(mpjpe_mm(constant, joints).mean()),
    }
