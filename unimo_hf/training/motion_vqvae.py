# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Stage 1, first half: train the motion tokenizer on motions seen from random cameras."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import Dataset

from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE, decode_prefix
from unimo_hf.model.motion_features import parameters_to_frames
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body
from unimo_hf.motion.motion import load_collection
from unimo_hf.training.joints import joints_of_frames, mpjpe_mm
from unimo_hf.training.loop import fit
from unimo_hf.training.recipe import Clips, Fps, Frames, Recipe, Section, Weight, load_recipe
from unimo_hf.training.tiny.motion_vqvae_start import fit_start

CLIPS_SEED = 1
PREFIXES = (1, 4, 9, 18)  # of a frame's codes: how much the first ones say
EVERY_VERTEX = 12  # counts in the loss: 209 of the free body


@dataclass(frozen=True)
class MotionData(Section):
    """Clips of motion, without pictures.

    Attributes:
        motions (`str`): Folder or file of motions.
        clips (`int`): Different clips; each has its own camera, body and side.
        frames (`int`): Frames of a clip.
        fps (`float`): Frames per second of a clip.
    """

    motions: str = "assets/motions/train"
    clips: Clips = 20_000
    frames: Frames = 33
    fps: Fps = 15.0


@dataclass(frozen=True)
class MotionVQVAELoss(Section):
    """Weights of terms beside the paper's; 0 is the paper.

    Attributes:
        joints (`float`): Mean absolute error of the joints, root-aligned, metres.
        joint_velocity (`float`): The same of their differences between frames.
        vertices (`float`): Mean absolute error of the skin, metres: how limbs, head and hands are turned.
        root (`float`): Mean absolute error of the prefix-summed root position, metres.
    """

    joints: Weight = 0.0
    joint_velocity: Weight = 0.0
    vertices: Weight = 0.0
    root: Weight = 0.0


@dataclass(frozen=True)
class MotionVQVAERecipe(Recipe):
    """A recipe of the motion tokenizer.

    Attributes:
        fit_start (`bool`): Fit normalisation and network before the first step (`motion_vqvae_start`).
        frozen_codes (`bool`): Whether encoder and codebook stay as they are and only the decoders learn, so that an AR
            model of these codes stays right.
    """

    data: MotionData = field(default_factory=MotionData)
    loss: MotionVQVAELoss = field(default_factory=MotionVQVAELoss)
    fit_start: bool = False
    frozen_codes: bool = False


class MotionClips(Dataset):
    """Frames `(T, C)` of clip i; nothing is drawn. Once made, a clip is kept in memory (10 kB for 17 frames)."""

    def __init__(self, source: ClipSource, clips: int, config: MotionVQVAEConfig):
        self.source, self.clips, self.config = source, clips, config
        self._made: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return self.clips

    def __getitem__(self, index: int) -> Tensor:
        if index not in self._made:
            parameters = self.source.parameters(index, self.config.coordinates)
            self._made[index] = parameters_to_frames(**parameters, rotation=self.config.rotation)
        return self._made[index]


class MotionVQVAEStage:
    """Data, loss and validation of the motion tokenizer."""

    def __init__(self, recipe: MotionVQVAERecipe, accelerator: Accelerator):
        self.recipe, self.accelerator = recipe, accelerator
        data = recipe.data
        self.model = self.network = recipe.build_model(MotionVQVAE, fps=data.fps)
        config = self.model.config
        settings = ClipSettings(frames=data.frames, fps=data.fps)
        motions = load_collection(data.motions)
        self.dataset = MotionClips(ClipSource(motions, settings, CLIPS_SEED), data.clips, config)
        held_out = MotionClips(ClipSource(motions, settings, CLIPS_SEED + 1), recipe.validation_clips, config)
        clips = [held_out[index] for index in range(len(held_out))]
        self.validation = torch.stack(clips).to(accelerator.device)
        self.body = Body.load()
        if recipe.fit_start:
            rows = np.random.default_rng(CLIPS_SEED).choice(data.clips, size=min(1000, data.clips), replace=False)
            some = torch.stack([self.dataset[int(row)] for row in rows])
            self.model.fit_statistics(some)
            fit_start(self.model, some, self.body)
        if recipe.frozen_codes:
            self.model.encoder.requires_grad_(False)
            self.model.codebook.requires_grad_(False).frozen = True

    def loss(self, network: nn.Module, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The paper's loss plus the terms of [`MotionVQVAELoss`]."""
        weights = self.recipe.loss
        with self.accelerator.autocast():
            output = network(batch)
        figures = {"paper": output.loss, "codebook": output.codebook_loss}
        loss = output.loss
        if weights.joints or weights.joint_velocity or weights.vertices or weights.root:
            every = EVERY_VERTEX if weights.vertices else None
            places, root = self.joints(output.reconstruction, every)
            true_places, true_root = self.joints(batch, every)
            of_joints, of_vertices = (places - true_places).tensor_split((NUM_BODY_JOINTS,), dim=2)
            terms = {
                "joints": of_joints.abs().mean(),
                "joint_velocity": of_joints.diff(dim=1).abs().mean(),
                "root": (root - true_root).abs().mean(),
            }
            if weights.vertices:
                terms["vertices"] = of_vertices.abs().mean()
            figures |= terms
            loss = loss + sum(getattr(weights, name) * term for name, term in terms.items())
        return loss, figures

    def joints(self, frames: Tensor, every_vertex: int | None = None) -> tuple[Tensor, Tensor]:
        """Root-aligned joints and each `every_vertex`-th vertex `(B, T, 22 + V', 3)`, `transl` `(B, T, 3)`; metres."""
        return joints_of_frames(self.body, frames, self.model.config.rotation, every_vertex)

    def validate(self) -> dict[str, float]:
        """MPJPE (mm) of all codes and of prefixes of a frame's; root error (mm); Accel (m/s²); codes in use."""
        model = self.model
        true_joints, true_root = self.joints(self.validation)
        motion_codes = model.encode(self.validation)
        figures = {"codes_in_use": motion_codes.unique().numel() / model.config.codebook_size}
        codes = model.config.codes_per_frame
        for kept in (*(prefix for prefix in PREFIXES if prefix < codes), codes):
            joints, root = self.joints(decode_prefix(model, motion_codes, kept))
            figures[f"mpjpe_{kept}"] = float(mpjpe_mm(joints, true_joints).mean())
        figures["root_mm"] = float((root - true_root).norm(dim=-1).mean() * 1000)
        acceleration = (joints - true_joints).diff(n=2, dim=1).norm(dim=-1).mean()
        figures["accel"] = float(acceleration * self.recipe.data.fps**2)
        return figures


def train(recipe: str | Path | MotionVQVAERecipe, output: str | None = None, resume: bool = True) -> MotionVQVAE:
    """Train a motion tokenizer by a recipe (a YAML file or its contents) and save it in the recipe's `output`."""
    if not isinstance(recipe, MotionVQVAERecipe):
        recipe = load_recipe(recipe, MotionVQVAERecipe, output=output)
    return fit(partial(MotionVQVAEStage, recipe), recipe.optimisation, Path(recipe.output), resume)


if __name__ == "__main__":
    import sys

    train(sys.argv[1])
