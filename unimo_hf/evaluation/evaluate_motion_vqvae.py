# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate motion-vqvae`: how well the motion tokenizer gives back what it was shown, next to baselines."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from tqdm.auto import tqdm

from unimo_hf.model.motion_features import frames_to_parameters, parameters_to_frames
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion

from .body_points import body_points
from .metrics import codebook_use
from .motion_baselines import MotionBaselines
from .motion_scores import MOTION_UNITS, MotionScores
from .results import make_result
from .training_statistics import TrainingStatistics

UTILISATION_SAMPLES = 100  # the paper's Table 5 counts the codes of so many random test samples
UNITS = MOTION_UNITS | {"codebook_utilisation": "%", "codebook_perplexity": "codes"}


class MotionTokenizer(Protocol):
    """What is scored: a [`MotionVQVAE`]."""

    config: Any
    device: torch.device

    def encode(self, motion: torch.Tensor) -> torch.Tensor:
        """Frames `(B, T, C)` to codes `(B, T, 36)`."""

    def decode(self, motion_codes: torch.Tensor) -> torch.Tensor:
        """Codes `(B, T, 36)` to frames `(B, T, C)`."""


@torch.no_grad()
def evaluate_motion_vqvae(
    tokenizer: MotionTokenizer,
    motions: Sequence[Motion],
    body: Body,
    *,
    model: str,
    frames: int,
    fps: float | None = None,
    camera: str = "around",
    statistics: TrainingStatistics | None = None,
    seed: int = 0,
    batch_size: int = 32,
    accel_variant: str = "gvhmr",
    progress: bool = True,
) -> dict[str, Any]:
    """Cut motions into clips, encode and decode them, and score what comes back.

    Motions in a world frame are put before a camera first, each clip before its own, drawn as `unimo data render`
    draws it: the tokenizer knows motion as a camera sees it. One trained in the world gets them upright instead.

    Args:
        tokenizer ([`MotionTokenizer`]): The model; of its `config`, `rotation`, `coordinates`, `fps` and
            `codebook_size` are read.
        motions (`Sequence[Motion]`): Of any length, frame rate and frame; what does not fill a clip is left out.
        body ([`Body`]): The body that moves.
        model (`str`): Name of the checkpoint, for the report.
        frames (`int`): Frames of a clip.
        fps (`float`, *optional*): Motions are resampled to it; default: `tokenizer.config.fps`.
        camera (`str`, *optional*, defaults to `"around"`): Where cameras stand: `front` or `around`.
        statistics ([`TrainingStatistics`], *optional*): For the baselines.
        seed (`int`, *optional*, defaults to 0): Of the cameras and of the clips whose codes are counted.
        batch_size (`int`, *optional*, defaults to 32): Clips at a time.
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.

    Returns:
        `dict`: As [`make_result`], with the share of the codebook that 100 random clips use.

    Raises:
        ValueError: If no motion fills a clip.
    """
    config = tokenizer.config
    fps = config.fps if fps is None else fps
    view = camera if config.coordinates == "camera" else "world"
    clips = cut_clips(motions, frames, fps)
    if not clips:
        raise ValueError(f"None of the {len(motions)} motions fills a clip of {frames} frames at {fps:g} fps.")
    scores = MotionScores(accel_variant)
    baselines = MotionBaselines(statistics, view, accel_variant)
    codes = []
    for batch in _batches(clips, batch_size, progress):
        if view == "world":
            seen = [clips[index].to_world_up("y", body) for index in batch]
        else:
            seen = [place_before_camera(clips[index], body, camera, (seed, index)) for index in batch]
        motion_codes = tokenizer.encode(_to_frames(seen, config.rotation).to(tokenizer.device))
        codes.append(motion_codes.cpu())
        target = body_points(seen, body)
        given_back = _to_motions(tokenizer.decode(motion_codes), config.rotation, fps)
        scores.add(body_points(given_back, body), target, fps)
        baselines.add(seen, target, body)
    chosen = np.random.default_rng(seed).permutation(len(clips))[:UTILISATION_SAMPLES]
    use = codebook_use(torch.cat(codes)[torch.as_tensor(chosen)], config.codebook_size)
    codes_protocol = {"points": "motion codes", "alignment": "", "variant": f"{len(chosen)} random clips"}
    return make_result(
        "motion-vqvae",
        metrics=scores.means()
        | {"codebook_utilisation": use.utilisation_percent, "codebook_perplexity": use.perplexity},
        units=UNITS,
        protocol=scores.protocol() | {"codebook_utilisation": codes_protocol, "codebook_perplexity": codes_protocol},
        baselines=baselines.means(),
        clips=len(clips),
        model=model,
        seed=seed,
        standard_errors=scores.standard_errors(),
        camera=view,
        frames=len(clips) * frames,
        fps=fps,
    )


def cut_clips(motions: Sequence[Motion], frames: int, fps: float) -> list[Motion]:
    """Cut motions, resampled to `fps`, into clips of `frames` frames that do not overlap; what is left is left out."""
    clips = []
    for motion in motions:
        resampled = motion.resample(fps)
        clips += [resampled[start : start + frames] for start in range(0, len(resampled) - frames + 1, frames)]
    return clips


def place_before_camera(motion: Motion, body: Body, camera: str, seed: int | Sequence[int]) -> Motion:
    """Give a clip as a random camera sees it; one in the camera frame stays as it is.

    Args:
        motion ([`Motion`]): A clip.
        body ([`Body`]): The body that moves.
        camera (`str`): `front` (within 60 degrees of the person's front) or `around`.
        seed (`int` or `Sequence[int]`): The same seed gives the same camera.

    Returns:
        [`Motion`]: In the camera frame.
    """
    if motion.coordinates == "camera":
        return motion
    # Only here: the scene compiles its shadows with numba.
    from unimo_hf.data.scene import sample_camera
    from unimo_hf.data.synthetic import facing

    upright = motion.to_world_up("y", body)
    heading = facing(torch.as_tensor(upright.global_orient))
    generator = np.random.default_rng(seed)
    # The size in pixels scales focal length and picture alike: where the camera stands does not depend on it.
    placed = sample_camera(generator, upright.vertices(body), heading, camera, size=128)
    translation = -placed.rotation @ placed.position
    rest_pelvis = body.rest_pelvis(torch.as_tensor(upright.betas)).numpy()
    return upright.change_frame(placed.rotation, translation, rest_pelvis, "camera")


def _batches(clips: Sequence[Motion], batch_size: int, progress: bool) -> Iterator[range]:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
    with tqdm(total=len(clips), desc="motion tokenizer", unit="clip", disable=None if progress else True) as bar:
        for start in range(0, len(clips), batch_size):
            batch = range(start, min(start + batch_size, len(clips)))
            yield batch
            bar.update(len(batch))


def _to_frames(motions: Sequence[Motion], rotation: str) -> torch.Tensor:
    """Clips to tokenizer frames (B, T, C)."""
    parameters = {
        name: torch.as_tensor(np.stack([getattr(motion, name) for motion in motions])) for name in Motion.PARAMETERS
    }
    betas = torch.as_tensor(np.stack([motion.betas for motion in motions]))
    betas = betas[:, None].expand(-1, parameters["transl"].shape[1], -1)
    return parameters_to_frames(**parameters, betas=betas, rotation=rotation)


def _to_motions(frames: torch.Tensor, rotation: str, fps: float) -> list[Motion]:
    """Decoded frames (B, T, C) to clips; a person has one shape, so betas are averaged over time (motion.md §2)."""
    parameters: dict[str, Any] = frames_to_parameters(frames.detach().float().cpu(), rotation)
    parameters["betas"] = parameters["betas"].mean(dim=1)
    return [
        Motion(**{name: values[clip] for name, values in parameters.items()}, fps=fps) for clip in range(len(frames))
    ]
