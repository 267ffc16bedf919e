# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Stage 1, second half: train the video tokenizer on drawn clips.

The paper takes Cosmos' trained tokenizer as it is. A small one made for drawn people is fitted here, with three terms:
the difference of the pictures; the same, weighted towards the person; and, as an option, what a small head can read of
the joints from the codes of each latent frame, which makes codes that the AR model can read a pose from.
"""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from unimo_hf.data.scene import FOCAL_PER_SIDE
from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.pixel_range import to_model_range
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body
from unimo_hf.training.checkpoints import load_rest
from unimo_hf.training.drawn_dataset import drawn_dataset, held_out
from unimo_hf.training.joints import joints_of_clips
from unimo_hf.training.loop import fit
from unimo_hf.training.recipe import ClipsOrNone, DrawnData, Recipe, Section, Share, Weight, load_recipe
from unimo_hf.training.tiny.video_fsq_start import fit_start

FITTED_CLIPS = 64  # of 17 frames: 12,000 codes
HEAD_RATE = 1e-3  # learning rate of the pose head, which starts from nothing, also beside a trained tokenizer


@dataclass(frozen=True)
class VideoFSQLoss(Section):
    """Weights of the terms beside the mean absolute difference of the pictures; all 0 is the plain autoencoder.

    Attributes:
        squared (`float`): Mean squared difference.
        person (`float`): Extra weight of pixels near the person.
        pose (`float`): Mean absolute error, in metres, of the places of the joints that a small head reads from the
            codes.
    """

    squared: Weight = 0.0
    person: Weight = 0.0
    pose: Weight = 0.0


@dataclass(frozen=True)
class VideoFSQRecipe(Recipe):
    """A recipe with drawn data and the weights of the loss.

    Attributes:
        stills_per_clip (`int`): Pictures that are drawn for each clip and learned from beside it: many more people and
            poses for the same work.
        fit_start (`bool`): Fit the layers round the codes to the data before the first step (`video_fsq_start`).
        decoded (`float`): Share of a batch that is decoded. The rest teaches the encoder its pose alone, which takes a
            quarter of the time.
    """

    data: DrawnData = field(default_factory=DrawnData)
    loss: VideoFSQLoss = field(default_factory=VideoFSQLoss)
    stills_per_clip: ClipsOrNone = 0
    fit_start: bool = False
    decoded: Share = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.decoded and not self.loss.pose:
            raise ValueError("Where nothing is decoded, there is loss.pose to learn from.")


class ClipsWithStills(Dataset):
    """Clips, each with the same number of drawn pictures (`stills`, with the keys of a clip and one frame each)."""

    def __init__(self, clips: Dataset, stills: Dataset, per_clip: int):
        self.clips, self.stills, self.per_clip = clips, stills, per_clip

    def __len__(self) -> int:
        return len(self.clips)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> dict[str, Any]:
        stills = [self.stills[index * self.per_clip + number] for number in range(self.per_clip)]
        return self.clips[index] | {
            "stills": {key: torch.stack([still[key] for still in stills]) for key in stills[0]}
        }


class PoseHead(nn.Module):
    """Places of the joints in the frames of each latent frame, read from its codes and those before it.

    Only for training. Each code says how likely each joint is there, how far from its middle and how deep, and the
    answer is the mean over all codes (integral regression, Sun et al., 2018): what is learned in one place of the
    picture holds in all. The frames of a latent frame have one answer in common, that of the last, and begin to differ
    from it in training: what is learned from pictures holds for clips that stand still.
    """

    def __init__(self, config: VideoFSQConfig, width: int = 96):
        super().__init__()
        self.frames = config.temporal_compression
        self.layers = nn.Sequential(
            nn.Conv2d(2 * len(config.levels), width, 3, padding=1),
            ResidualConv(width),
            ResidualConv(width),
            nn.SiLU(),
        )
        self.answer = nn.Conv2d(width, NUM_BODY_JOINTS * 4, 1)
        self.change = nn.Conv2d(width, (self.frames - 1) * NUM_BODY_JOINTS * 4, 1)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, quantized: Tensor) -> Tensor:
        """Codes `(B, C, t, h, w)` to places `(B, T, 22, 3)`: across and down in parts of the side, and metres deep."""
        before = torch.cat((quantized[:, :, :1], quantized[:, :, :-1]), dim=2)
        latents = torch.cat((quantized, before), dim=1).transpose(1, 2)  # (B, t, 2C, h, w)
        hidden = self.layers(latents.flatten(0, 1))
        last, changes = self.answer(hidden)[:, None], self.change(hidden).unflatten(1, (self.frames - 1, -1))
        answers = torch.cat((last + changes, last), dim=1).float().flatten(3)  # (B * t, frames, 22 * 4, cells)
        answers = answers.unflatten(2, (NUM_BODY_JOINTS, 4))
        height, width = quantized.shape[3:]
        middles = cell_middles(height, width, quantized.device)  # (2, cells)
        places = answers[..., 1:, :] + F.pad(middles, (0, 0, 0, 1))
        places = (places * answers[..., :1, :].softmax(dim=-1)).sum(dim=-1)  # (B * t, frames, 22, 3)
        return places.unflatten(0, (len(quantized), -1)).flatten(1, 2)[:, self.frames - 1 :]  # frame 0 is one latent


def cell_middles(height: int, width: int, device: torch.device) -> Tensor:
    """Across and down of the middles of codes, `(2, height * width)`, in parts of the side."""
    down, across = ((torch.arange(size, device=device) + 0.5) / size for size in (height, width))
    return torch.stack((across.expand(height, width), down[:, None].expand(height, width))).flatten(1)


def seen_places(joints: Tensor) -> Tensor:
    """Joints `(..., 22, 3)`, metres, camera frame, as [`PoseHead`] answers; depth is relative to the pelvis."""
    across_and_down = joints[..., :2] / joints[..., 2:] * FOCAL_PER_SIDE + 0.5
    return torch.cat((across_and_down, joints[..., 2:] - joints[..., :1, 2:]), dim=-1)


def pose_difference(places: Tensor, joints: Tensor) -> Tensor:
    """Differences `(..., 22, 3)` between places and those of joints, in metres at the depth of the pelvis."""
    difference = places - seen_places(joints)
    return torch.cat((difference[..., :2] * joints[..., :1, 2:] / FOCAL_PER_SIDE, difference[..., 2:]), dim=-1)


class ResidualConv(nn.Module):
    """`x + conv(SiLU(conv(SiLU(norm(x)))))`, over pixels."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, hidden: Tensor) -> Tensor:
        """Map `(B, width, h, w)` to itself."""
        return hidden + self.layers(hidden)


class Network(nn.Module):
    """The tokenizer and the head that reads its codes."""

    def __init__(self, model: VideoFSQ, pose_head: nn.Module | None):
        super().__init__()
        self.model, self.pose_head = model, pose_head

    def forward(self, video: Tensor, decoded: int) -> tuple[Tensor | None, Tensor | None]:
        """Video `(B, 3, T, H, W)` to the reconstruction of the first `decoded` and, with a head, the places of all."""
        _, quantized = self.model.encode_features(video)
        reconstruction = self.model.decode_features(quantized[:decoded]) if decoded else None
        return reconstruction, self.pose_head(quantized) if self.pose_head else None


class VideoFSQStage:
    """Data, loss and validation of the video tokenizer."""

    def __init__(self, recipe: VideoFSQRecipe, accelerator: Accelerator):
        self.recipe, self.accelerator = recipe, accelerator
        self.model = recipe.build_model(VideoFSQ)
        head = PoseHead(self.model.config) if recipe.loss.pose else None
        if head is not None:
            head.rate_factor = HEAD_RATE / recipe.optimisation.learning_rate
        self.network = Network(self.model, head)
        if recipe.start is not None and head is not None:
            load_rest(self.network, Path(recipe.start))
        self.body = Body.load()
        clips, per_clip = drawn_dataset(recipe.data), recipe.stills_per_clip
        if per_clip:
            front, around = per_clip * recipe.data.front, per_clip * recipe.data.around
            stills = drawn_dataset(replace(recipe.data, frames=1, front=front, around=around))
            clips = ClipsWithStills(clips, stills, per_clip)
        self.dataset, self.validation = held_out(clips, recipe.validation_clips)
        if recipe.fit_start:
            some = next(iter(DataLoader(self.dataset, FITTED_CLIPS, shuffle=True)))
            fit_start(self.model, to_model_range(some["video"]))

    def loss(self, network: nn.Module, batch: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """The terms of [`VideoFSQLoss`], the mean of clips and stills where there are stills."""
        clips = {key: values for key, values in batch.items() if key != "stills"}
        loss, figures = self.loss_of_videos(network, clips)
        if "stills" not in batch:
            return loss, figures
        stills = {key: values.flatten(0, 1) for key, values in batch["stills"].items()}
        loss_of_stills, figures_of_stills = self.loss_of_videos(network, stills)
        figures |= {f"stills_{key}": value for key, value in figures_of_stills.items()}
        return (loss + loss_of_stills) / 2, figures

    def loss_of_videos(self, network: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The terms of [`VideoFSQLoss`]."""
        weights = self.recipe.loss
        video = to_model_range(batch["video"])
        decoded = math.ceil(self.recipe.decoded * len(video))
        with self.accelerator.autocast():
            reconstruction, predicted = network(video, decoded)
        loss, figures = video.new_zeros(()), {}
        if weights.person or weights.pose:
            joints = joints_of_clips(self.body, batch)
        if reconstruction is not None:
            difference = reconstruction.float() - video[:decoded]
            figures = {"absolute": difference.abs().mean(), "psnr": psnr(difference)}
            loss = figures["absolute"] + weights.squared * difference.square().mean()
            if weights.person:
                near = person_weight(joints[:decoded], video.shape[-1])[:, None]
                figures["person"] = (difference.abs() * near).sum() / (3 * near.sum())
                loss = loss + weights.person * figures["person"]
        if predicted is not None:
            figures["pose"] = pose_difference(predicted, joints).abs().mean()
            loss = loss + weights.pose * figures["pose"]
        return loss, figures

    def validate(self) -> dict[str, float]:
        """PSNR in dB over held-out clips, and how far off the head places joints by their codes, mm."""
        model, device = self.model, self.accelerator.device
        squared, errors = [], []
        for item in self.validation:
            clip = {key: values for key, values in item.items() if key != "stills"}
            video = to_model_range(clip["video"][None].to(device))
            with self.accelerator.autocast():
                _, quantized = model.encode_features(video)
                reconstruction = model.decode_features(quantized).float().clamp(-1, 1)
            squared.append((reconstruction - video).square().mean())
            if self.network.pose_head is not None:
                joints = joints_of_clips(self.body, {key: value[None].to(device) for key, value in clip.items()})
                with self.accelerator.autocast():
                    predicted = self.network.pose_head(quantized)
                errors.append(1000 * pose_difference(predicted, joints).norm(dim=-1).mean())
        figures = {"psnr": float(10 * torch.log10(4 / torch.stack(squared)).mean())}
        return figures | ({"pose_mm": float(torch.stack(errors).mean())} if errors else {})


def psnr(difference: Tensor) -> Tensor:
    """dB, of differences of values in [-1, 1]."""
    return 10 * torch.log10(4 / difference.square().mean())


def person_weight(joints: Tensor, size: int, reach: float = 0.04, cell: int = 4) -> Tensor:
    """How near each pixel is to a joint, `(B, T, 22, 3)` to `(B, T, S, S)` in [0, 1]; `reach` in parts of the side."""
    places = seen_places(joints)[..., :2]
    centres = (torch.arange(size // cell, device=joints.device) + 0.5) * cell / size
    across = (places[..., 0, None] - centres).square()  # (B, T, 22, S / cell)
    down = (places[..., 1, None] - centres).square()
    distance = (down[..., :, None] + across[..., None, :]).amin(dim=2)
    near = torch.exp(-distance / (2 * reach**2))
    return F.interpolate(near, scale_factor=cell, mode="nearest")


def train(recipe: str | Path | VideoFSQRecipe, output: str | None = None, resume: bool = True) -> VideoFSQ:
    """Train a video tokenizer by a recipe (a YAML file or its contents) and save it in the recipe's `output`."""
    if not isinstance(recipe, VideoFSQRecipe):
        recipe = load_recipe(recipe, VideoFSQRecipe, output=output)
    return fit(partial(VideoFSQStage, recipe), recipe.optimisation, Path(recipe.output), resume)


if __name__ == "__main__":
    import sys

    train(sys.argv[1])
