# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""How kind a motion tokenizer is to the AR model: the V2M error that a short training reaches on its codes.

A model that learns to read pictures and codes at once needs hours. This one has the weights that ship, which know
pictures, but no embedding and no head for motion codes: those begin at the vectors of the codes, for every tokenizer
alike.
"""

import math
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from unimo_hf import MotionVQVAE, UniMoConfig, UniMoForConditionalGeneration, UniMoPipeline, VideoFSQ
from unimo_hf.data.encoding import encode_batch
from unimo_hf.data.shards import fingerprints
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modalities import Modality, by_modality, plain_table, squarest_grid
from unimo_hf.model.motion_features import parameters_to_frames
from unimo_hf.motion.body import Body
from unimo_hf.pipelines.checkpoint import load_network, locate_network, resolve_checkpoint
from unimo_hf.training import unimo
from unimo_hf.training.drawn_dataset import drawn_dataset
from unimo_hf.training.joints import joints_of_frames, mpjpe_mm
from unimo_hf.training.recipe import DrawnData
from unimo_hf.training.tiny.unimo_start import start_from_codebooks
from unimo_hf.training.unimo_recipe import UniMoRecipe

BATCH = 32
DERIVED = ("vocab_size", "pad_token_id", "max_position_embeddings")  # of a config, from the other fields


def unpack(folder: Path) -> Path:
    """Write the checkpoint that ships in float32, as training reads it, into a folder named after its weights."""
    parts = {
        "": load_network(UniMoForConditionalGeneration, resolve_checkpoint("unimo-tiny"), dtype="float32"),
        "video_fsq": load_network(VideoFSQ, resolve_checkpoint("unimo-tiny"), "video_fsq", dtype="float32"),
    }
    path = folder / f"start-{'-'.join(fingerprints(parts).values())}"
    if not path.exists():
        for name, network in parts.items():
            network.save_pretrained(path / name)
    return path


def probe_recipe(base: UniMoRecipe, start: Path, motion_vqvae: Path, pictures: Path) -> UniMoRecipe:
    """Fit a recipe of the AR model to a motion tokenizer; no more clips are drawn than its steps can see.

    Args:
        base ([`UniMoRecipe`]): Mixture, losses and schedule.
        start (`Path`): Folder that [`unpack`] wrote.
        motion_vqvae (`Path`): Folder of the motion tokenizer.
        pictures (`Path`): Folder that keeps drawn clips for the next tokenizer.
    """
    drawn = base.drawn or DrawnData()
    seen = math.ceil(base.optimisation.steps * base.optimisation.batch_size / 2) + 1
    front, around = min(drawn.front, seen), min(drawn.around, seen)
    cache = pictures / f"train_{front}_{around}"
    return replace(
        base,
        start=str(start),
        init="random",  # the start has tables of its own
        model={"frames": base.model["frames"]} if "frames" in base.model else {},
        tokenizers={"video_fsq": str(start / "video_fsq"), "motion_vqvae": str(motion_vqvae)},
        drawn=replace(drawn, front=front, around=around, cache=str(cache)),
        validation_clips=1,
    )


def write_start(recipe: UniMoRecipe, folder: Path) -> None:
    """Write the model that a probe starts from: it knows pictures, and has new tables for the codes of a tokenizer."""
    known = UniMoForConditionalGeneration.from_pretrained(locate_network(UniMoForConditionalGeneration, recipe.start))
    motion_vqvae = MotionVQVAE.from_pretrained(locate_network(MotionVQVAE, recipe.tokenizers["motion_vqvae"]))
    slots = squarest_grid(motion_vqvae.config.codes_per_frame)
    motion = Modality("motion", motion_vqvae.config.codebook_size, slots)
    of_tokenizer = {"modalities": plain_table(known.config.table | {"motion": motion})}
    of_known = {name: value for name, value in known.config.to_dict().items() if name not in DERIVED}
    model = UniMoForConditionalGeneration(UniMoConfig(**of_known | recipe.model | of_tokenizer))
    weights = {key: value for key, value in known.state_dict().items() if "motion" not in key}
    model.load_state_dict(weights, strict=False)
    start_from_codebooks(model, [motion_vqvae])
    model.save_pretrained(folder)


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
    model, start = folder / "model", folder / "start"
    torch.manual_seed(recipe.optimisation.seed)
    write_start(recipe, start)
    unimo.train(replace(recipe, output=str(model), start=str(start), model={}, shards=str(folder / "shards")))
    drawn = recipe.drawn or DrawnData()
    held_out = replace(drawn, motions=test, front=clips // 2, around=clips - clips // 2, varied=0.0)
    cache = None if drawn.cache is None else str(Path(drawn.cache).with_name(f"test_{clips}"))
    return v2m_error(model, replace(held_out, cache=cache), mean_codes=bool(recipe.label_smoothing.get("motion")))


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
    vectors = {"motion": pipeline.motion_vqvae.code_vectors()} if mean_codes else {}
    found, truth = [], []
    for batch in DataLoader(drawn_dataset(drawn), BATCH):
        codes = encode_batch(batch, by_modality(pipeline.video_fsq))
        condition = pipeline.processor.build_condition("v2m", codes)
        sequence, decoding = condition["sequence"], Decoding(do_sample=False, vectors=vectors)
        target = pipeline.model.generate_target(condition["input_ids"], sequence=sequence, decoding=decoding)
        frames = pipeline.motion_vqvae.decode(pipeline.processor.post_process(target, sequence)["motion"].flatten(2))
        found.append(joints_of_frames(body, frames, pipeline.motion_vqvae.config.rotation)[0])
        parameters = {key: value for key, value in batch.items() if key != "video"}
        truth.append(joints_of_frames(body, parameters_to_frames(**parameters), "6d")[0])
    joints = torch.cat(truth)
    constant = joints.mean(dim=(0, 1), keepdim=True)
    return {
        "v2m_mpjpe": float(mpjpe_mm(torch.cat(found), joints).mean()),
        "v2m_constant_mpjpe": float(mpjpe_mm(constant, joints).mean()),
    }
