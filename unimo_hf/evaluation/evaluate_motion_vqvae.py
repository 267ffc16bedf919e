# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate motion-vqvae`: how well the motion tokenizer gives back what it was shown, next to baselines."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from unimo_hf.metrics.codes import codebook_use, next_code_entropy
from unimo_hf.metrics.points import MILLIMETRES
from unimo_hf.metrics.pose import mpjpe
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE, decode_prefix
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import Motion
from unimo_hf.motion.motion_frames import frames_to_motions, motions_to_frames

from .body_points import body_points
from .motion_baselines import MotionBaselines
from .motion_scores import MOTION_UNITS, ROOT_ALIGNMENT, MotionScores
from .results import make_result
from .scores import Scores
from .training_statistics import TrainingStatistics
from .world_scores import WORLD_UNITS, WorldScores

CLIP_FRAMES = 65  # of the paper's clips
UTILISATION_CLIPS = 100  # the paper's Table 5 counts the codes of so many random test samples
PREFIXES = (1, 2, 4, 9, 18, 36)  # how much the first codes of a frame say, where a frame has more
# Order of the counts -> what they know of a code.
CODE_CONTEXTS = {0: "its slot", 2: "its slot, that slot in the frame before, the code before"}
UNITS = (
    MOTION_UNITS
    | WORLD_UNITS
    | {"root_position": "mm"}
    | {f"mpjpe_first_{kept}": "mm" for kept in PREFIXES}
    | {"codebook_utilisation": "%", "codebook_perplexity": "codes"}
    | {f"code_entropy_order_{order}": "bits a code" for order in CODE_CONTEXTS}
    | {"weights": "MB"}
)


@torch.no_grad()
def evaluate_motion_vqvae(
    tokenizer: MotionVQVAE,
    motions: Sequence[Motion],
    body: Body,
    *,
    model: str,
    weights_bytes: int | None = None,
    frames: int = CLIP_FRAMES,
    fps: float | None = None,
    camera: str = "around",
    statistics: TrainingStatistics | None = None,
    seed: int = 0,
    batch_size: int = 32,
    accel_variant: str = "gvhmr",
    utilisation_clips: int = UTILISATION_CLIPS,
    progress: bool = True,
) -> dict[str, Any]:
    """Cut motions into clips, encode and decode them, and score what comes back: the paper's tables 1 and 5.

    Motions in a world frame are put before a camera first, each clip before its own, drawn as `unimo data render`
    draws it: the tokenizer knows motion as a camera sees it. One trained in the world gets them upright instead. The
    camera of a clip stands still, so that metrics of the path through the world hold for it.

    Beside the paper's metrics: the error of the root's position (of the prefix sum of its steps, not aligned), the
    MPJPE where only the first codes of each frame are given and the others are zero vectors, and how hard the next
    code is to guess, for a model that counts.

    Args:
        tokenizer ([`MotionVQVAE`]): The model; of its `config`, `rotation`, `coordinates`, `fps` and
            `codebook_size` are read.
        motions (`Sequence[Motion]`): Of any length, frame rate and frame; what does not fill a clip is left out.
        body ([`Body`]): The body that moves.
        model (`str`): Name of the checkpoint, for the report.
        weights_bytes (`int`, *optional*): Size of the file of weights, for the report.
        frames (`int`, *optional*, defaults to 65): Frames of a clip.
        fps (`float`, *optional*): Motions are resampled to it; default: `tokenizer.config.fps`.
        camera (`str`, *optional*, defaults to `"around"`): Where cameras stand: `front` or `around`.
        statistics ([`TrainingStatistics`], *optional*): For the baselines.
        seed (`int`, *optional*, defaults to 0): Of the cameras and of the clips whose codes are counted.
        batch_size (`int`, *optional*, defaults to 32): Clips at a time.
        accel_variant (`str`, *optional*, defaults to `"gvhmr"`): `gvhmr` or `wham`.
        utilisation_clips (`int`, *optional*, defaults to 100): Clips, drawn at random, whose codes together are
            counted as the part of the codebook in use; all if there are fewer.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.

    Returns:
        `dict`: As [`make_result`], with the share of the codebook that `utilisation_clips` random clips use.

    Raises:
        ValueError: If no motion fills a clip, or `utilisation_clips` is below 1.
    """
    if utilisation_clips < 1:
        raise ValueError(f"utilisation_clips is {utilisation_clips}; it must be at least 1.")
    config = tokenizer.config
    fps = config.fps if fps is None else fps
    view = camera if config.coordinates == "camera" else "world"
    motions = [motion.resample(fps) for motion in motions]
    clips = cut_clips(motions, frames, fps)
    if not clips:
        raise ValueError(f"None of the {len(motions)} motions fills a clip of {frames} frames at {fps:g} fps.")
    scores, world, details = MotionScores(accel_variant), WorldScores(), Scores(UNITS)
    baselines = MotionBaselines(statistics, view, accel_variant)
    codes = []
    for batch in _batches(clips, batch_size, progress):
        seen = [_in_view(clips[index], body, view, (seed, index)) for index in batch]
        motion_codes = tokenizer.encode(motions_to_frames(seen, config.rotation).to(tokenizer.device))
        codes.append(motion_codes.cpu())
        target = body_points(seen, body)
        motions_back = frames_to_motions(tokenizer.decode(motion_codes), config, fps)
        given_back = body_points(motions_back, body)
        for score in (scores, world):
            score.add(given_back, target, fps)
        prefixes = _errors_of_prefixes(tokenizer, motion_codes, target.joints, body, fps)
        details.add_values(prefixes | {"root_position": _root_errors(motions_back, seen)})
        baselines.add(seen, target, body)
    codes_numbers, codes_protocol = _codes_report(torch.cat(codes), config.codebook_size, utilisation_clips, seed)
    weights = {} if weights_bytes is None else {"weights": weights_bytes / 1e6}
    return make_result(
        "motion-vqvae",
        metrics=scores.means() | details.means() | world.means() | codes_numbers | weights,
        units=UNITS,
        protocol=scores.protocol() | world.protocol() | codes_protocol | _details_protocol(),
        baselines=baselines.means(),
        clips=len(clips),
        model=model,
        seed=seed,
        standard_errors=scores.standard_errors() | world.standard_errors() | details.standard_errors(),
        camera=view,
        frames=len(clips) * frames,
        clip_frames=frames,
        frames_left_out=sum(map(len, motions)) - len(clips) * frames,
        fps=fps,
    )


def _in_view(clip: Motion, body: Body, view: str, seed: tuple[int, int]) -> Motion:
    """A clip as the tokenizer is to see it: before a camera, or upright in the world."""
    return clip.to_world_up("y", body) if view == "world" else place_before_camera(clip, body, view, seed)


def _root_errors(motions: Sequence[Motion], target: Sequence[Motion]) -> list[torch.Tensor]:
    """For each clip the distance of `transl` from the true one, millimetres."""
    return [
        torch.linalg.vector_norm(torch.as_tensor(one.transl - other.transl).double(), dim=-1) * MILLIMETRES
        for one, other in zip(motions, target, strict=True)
    ]


def _errors_of_prefixes(
    tokenizer: MotionVQVAE, motion_codes: torch.Tensor, target: torch.Tensor, body: Body, fps: float
) -> dict[str, Iterable[torch.Tensor]]:
    """MPJPE `(B, T)` against the joints `target`, millimetres, where the first codes of a frame alone are given."""
    errors: dict[str, Iterable[torch.Tensor]] = {}
    for kept in (kept for kept in PREFIXES if kept < tokenizer.config.codes_per_frame):
        part = frames_to_motions(decode_prefix(tokenizer, motion_codes, kept), tokenizer.config, fps)
        errors[f"mpjpe_first_{kept}"] = mpjpe(body_points(part, body, with_vertices=False).joints, target)
    return errors


def _codes_report(
    codes: torch.Tensor, codebook_size: int, utilisation_clips: int, seed: int
) -> tuple[dict[str, float], dict[str, dict[str, str]]]:
    """Numbers of the codes `(clips, frames, codes_per_frame)`, and how they were counted."""
    chosen = np.random.default_rng(seed).permutation(len(codes))[:utilisation_clips]
    use = codebook_use(codes[torch.as_tensor(chosen)], codebook_size)
    samples = {"points": "motion codes", "alignment": "", "variant": f"{len(chosen)} random clips"}
    numbers = {"codebook_utilisation": use.utilisation_percent, "codebook_perplexity": use.perplexity}
    protocol = dict.fromkeys(numbers, samples)
    for order, context in CODE_CONTEXTS.items():
        name = f"code_entropy_order_{order}"
        numbers[name] = next_code_entropy(codes, codebook_size, order)
        protocol[name] = samples | {"variant": f"counts by {context}"}
    return numbers, protocol


def _details_protocol() -> dict[str, dict[str, str]]:
    """What the numbers beside the paper's compare and how."""
    root = {"points": "transl", "alignment": "none", "variant": "prefix sum of the steps"}
    first = {"points": "smplx22", "alignment": ROOT_ALIGNMENT}
    prefixes = {f"mpjpe_first_{kept}": first | {"variant": f"first {kept} codes of a frame"} for kept in PREFIXES}
    weights = {"points": "safetensors", "alignment": "", "variant": "as stored"}
    return {"root_position": root, "weights": weights} | prefixes


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
