# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Clips become shards of codes: encode once, train anywhere."""

import json
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from unimo_hf.data.clips import ClipFiles
from unimo_hf.data.shards import FORMAT_VERSION, METADATA, fingerprints
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.motion_features import parameters_to_frames
from unimo_hf.output_folder import OutputFolder

CLIPS_PER_SHARD, CLIPS_PER_GROUP = 1024, 64


@torch.no_grad()
def encode_batch(
    batch: dict[str, torch.Tensor], video_fsq: VideoFSQ, motion_vqvae: MotionVQVAE
) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips to codes.

    Args:
        batch (`dict[str, torch.Tensor]`): `video` (B, T, S, S, 3) uint8 and SMPL-X parameters (B, T, ...) in the
            camera frame.
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.

    Returns:
        `tuple`: visual codes (B, t, h, w) and motion codes (B, T, codes a frame).

    Raises:
        ValueError: If the motion tokenizer was trained in the world: of a clip only its camera is known.
    """
    if motion_vqvae.config.coordinates != "camera":
        raise ValueError(
            f"The motion tokenizer's coordinates is {motion_vqvae.config.coordinates!r}; clips of video and motion "
            "are in the camera frame, so it must be 'camera'."
        )
    video = batch["video"].to(video_fsq.device).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    parameters = {key: batch[key].to(motion_vqvae.device) for key in ("body_pose", "betas", "global_orient", "transl")}
    motion = parameters_to_frames(**parameters, rotation=motion_vqvae.config.rotation)
    return video_fsq.encode(video), motion_vqvae.encode(motion)


def write_shards(
    clips: Iterable[dict[str, torch.Tensor]],
    output: str | Path,
    video_fsq: VideoFSQ,
    motion_vqvae: MotionVQVAE,
    batch_size: int = 16,
) -> Iterator[int]:
    """Encode clips into a folder.

    Args:
        clips (`Iterable[dict[str, torch.Tensor]]`): As [`ClipFiles.load`] or [`DrawnClips`] give them.
        output (`str` or `Path`): As for [`write_codes`].
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.
        batch_size (`int`, *optional*, defaults to 16): Clips to encode at once.

    Yields:
        `int`: Number of clips encoded so far, so that the caller can show progress.

    Raises:
        ValueError: As [`write_codes`].
    """
    batches = (
        {key: torch.stack([clip[key] for clip in group]) for key in group[0]} for group in _groups(clips, batch_size)
    )
    codes = (encode_batch(batch, video_fsq, motion_vqvae) for batch in batches)
    yield from write_codes(codes, output, fingerprints(video_fsq, motion_vqvae))


def write_codes(
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    output: str | Path,
    tokenizers: dict[str, str] | None,
) -> Iterator[int]:
    """Write codes into a folder, shard after shard.

    Every file is whole or not there, and the metadata, which names them, comes last: a folder with metadata is
    complete. Other files in the folder stay as they are.

    Args:
        batches (`Iterable[tuple[torch.Tensor, torch.Tensor]]`): Visual codes (B, t, h, w) and motion codes
            (B, T, codes a frame), as [`encode_batch`] gives them.
        output (`str` or `Path`): Folder; the shards that an interrupted run left in it are replaced.
        tokenizers (`dict[str, str]`, *optional*): [`fingerprints`] of those whose codes they are.

    Yields:
        `int`: Number of clips written so far.

    Raises:
        ValueError: If the folder already holds shards, another run is writing into it, or there are no clips.
        OSError: If the folder can't be written.
    """
    shapes: dict[str, list[int]] = {}
    rows: list[dict[str, np.ndarray]] = []
    files: list[str] = []
    done = 0
    with OutputFolder(output, last=METADATA) as folder:
        folder.check_free(sorted(path.name for path in folder.path.glob("shard_*.parquet")))
        for visual, motion in batches:
            shapes = {"visual_shape": list(visual.shape[1:]), "motion_shape": list(motion.shape[1:])}
            codes = {"visual_codes": _as_rows(visual), "motion_codes": _as_rows(motion)}
            rows += [{key: values[row] for key, values in codes.items()} for row in range(len(visual))]
            done += len(visual)
            if len(rows) >= CLIPS_PER_SHARD:
                files.append(_put_shard(folder, len(files), rows))
                rows = []
            yield done
        if not done:
            raise ValueError("There are no clips to encode.")
        if rows:
            files.append(_put_shard(folder, len(files), rows))
        metadata = {
            "format_version": FORMAT_VERSION,
            "clips": done,
            **shapes,
            "files": files,
            "tokenizers": tokenizers,
        }
        (folder.workshop / METADATA).write_text(json.dumps(metadata, indent=2), encoding="utf-8")
        folder.put(METADATA)


def encode_clips(
    clips: Collection[ClipFiles],
    output: str | Path,
    video_fsq: VideoFSQ,
    motion_vqvae: MotionVQVAE,
    progress: bool = True,
) -> int:
    """Encode the clips of a folder.

    Args:
        clips (`Collection[ClipFiles]`): As [`load_clips`] gives them.
        output (`str` or `Path`): As for [`write_codes`].
        video_fsq ([`VideoFSQ`]): Video tokenizer.
        motion_vqvae ([`MotionVQVAE`]): Motion tokenizer.
        progress (`bool`, *optional*): Show a progress bar.

    Returns:
        `int`: Number of clips.

    Raises:
        ValueError: As [`write_codes`], and if a clip is damaged.
    """
    done = 0
    with tqdm(total=len(clips), desc="encoding", unit="clip", disable=None if progress else True) as bar:
        for done in write_shards((clip.load() for clip in clips), output, video_fsq, motion_vqvae):
            bar.update(done - bar.n)
    return done


def _groups(clips: Iterable[dict[str, torch.Tensor]], size: int) -> Iterator[list[dict[str, torch.Tensor]]]:
    remaining = iter(clips)
    while group := list(islice(remaining, size)):
        yield group


def _as_rows(codes: torch.Tensor) -> np.ndarray:
    return codes.flatten(1).cpu().numpy().astype(np.uint16)


def _put_shard(folder: OutputFolder, number: int, rows: list[dict[str, np.ndarray]]) -> str:
    import datasets

    name = f"shard_{number:05d}.parquet"
    features = datasets.Features({key: datasets.List(datasets.Value("uint16")) for key in rows[0]})
    bars_are_wanted = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # the caller has one of its own
    try:
        shard = datasets.Dataset.from_list(rows, features=features)
        # The reader takes a group at a time, and sees by the checksums what was damaged.
        shard.to_parquet(str(folder.workshop / name), batch_size=CLIPS_PER_GROUP, write_page_checksum=True)
    finally:
        if bars_are_wanted:
            datasets.enable_progress_bars()
    folder.put(name)
    return name
