# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Clips that a model makes itself, as shards of codes: it can learn to read people as it makes them."""

from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm.auto import tqdm

from unimo_hf.data.shards import CodeShards, check_tokenizers, write_codes
from unimo_hf.pipelines.unimo_pipeline import UniMoPipeline


def generate_clips(
    pipeline: UniMoPipeline,
    shards: str | Path,
    output: str | Path,
    *,
    clips: int,
    seed: int = 0,
    batch_size: int = 16,
    progress: bool = True,
) -> int:
    """Continue the first pictures of clips (I2VM), and see what was made again.

    A clip of the new folder has the generated motion, and the codes of the generated video after it was decoded to
    8-bit frames and encoded anew, as V2M of a file would get it.

    Args:
        pipeline ([`UniMoPipeline`]): The model; it generates in its own way (`generation_config.json`).
        shards (`str` or `Path`): Folder of encoded clips, of which the last `clips` lend their first picture: a
            recipe holds out the first ones.
        output (`str` or `Path`): Folder for the new shards; what an interrupted run left in it is replaced.
        clips (`int`): How many to make.
        seed (`int`, *optional*, defaults to 0): Of the sampling; the same seed and batch size make the same clips.
        batch_size (`int`, *optional*, defaults to 16): Clips at a time.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.

    Returns:
        `int`: Number of clips.

    Raises:
        ValueError: If `shards` has fewer clips or codes of other tokenizers, or `output` holds shards already.
    """
    source = CodeShards(shards)
    check_tokenizers(source, pipeline.video_fsq, pipeline.motion_vqvae)
    if not 0 < clips <= len(source):
        raise ValueError(f"{clips} clips are wanted; {shards} has {len(source)} first pictures.")

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for number, start in enumerate(range(len(source) - clips, len(source), batch_size)):
            chosen = range(start, min(start + batch_size, len(source)))
            first = torch.stack([source[index]["visual_codes"][:1] for index in chosen])
            visual_codes, motion_codes = pipeline.codes_from_first(first, seed=seed + number)
            yield see_again(pipeline, visual_codes), motion_codes

    done = 0
    with tqdm(total=clips, desc="generating", unit="clip", disable=None if progress else True) as bar:
        for done in write_codes(batches(), output, pipeline.video_fsq, pipeline.motion_vqvae):
            bar.update(done - bar.n)
    return done


@torch.no_grad()
def see_again(pipeline: UniMoPipeline, visual_codes: torch.Tensor) -> torch.Tensor:
    """Visual codes `(B, t, h, w)` of videos to those of their 8-bit frames."""
    video = pipeline.decode_video(visual_codes).float().clamp(-1, 1)
    return pipeline.video_fsq.encode(((video + 1) * 127.5).round() / 127.5 - 1)
