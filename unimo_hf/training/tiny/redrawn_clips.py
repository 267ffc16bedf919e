# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Clips whose pictures a model makes anew, as shards of codes: it can learn to read people as it makes them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate
from tqdm.auto import tqdm

from unimo_hf.data.encoding import write_codes
from unimo_hf.data.shards import CodeShards, check_tokenizers
from unimo_hf.model.generation_unimo import top_p_probabilities
from unimo_hf.model.modalities import by_modality
from unimo_hf.model.modeling_video_fsq import VideoFSQ
from unimo_hf.model.pixel_range import to_model_range, to_pixels
from unimo_hf.pipelines.unimo_pipeline import UniMoPipeline

CODES_AT_ONCE = 512  # of 64,000 logits each, sorted: about half a gigabyte


def redraw_clips(
    pipeline: UniMoPipeline,
    shards: CodeShards,
    output: str | Path,
    *,
    clips: int,
    seed: int = 0,
    top_p: float | None = None,
    batch_size: int = 16,
    progress: bool = True,
) -> int:
    """Draw the pictures of clips as a model expects them (I2VM), and encode what is then seen.

    Every code is drawn behind the true ones before it, so that the clip still shows its motion, which stays. The
    pictures are decoded to 8-bit frames and encoded anew, as V2M of a generated video gets them.

    Args:
        pipeline ([`UniMoPipeline`]): The model.
        shards ([`CodeShards`]): Encoded clips, of which the last `clips` are taken: a recipe holds out the first ones.
        output (`str` or `Path`): As for [`write_codes`].
        clips (`int`): How many.
        seed (`int`, *optional*, defaults to 0): Of the sampling; the same seed and batch size give the same clips.
        top_p (`float`, *optional*): Mass of the nucleus; the model's own for I2VM if left out.
        batch_size (`int`, *optional*, defaults to 16): Clips at a time.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.

    Returns:
        `int`: Number of clips.

    Raises:
        ValueError: If `shards` has fewer clips, clips of another size than the model's, or codes of another video
            tokenizer, or if `output` holds shards already.
    """
    check_tokenizers(shards, by_modality(pipeline.video_fsq))
    frames, table = pipeline.processor.frames, pipeline.processor.table
    visual, motion = table["visual"], table["motion"]
    wanted = {"visual": (visual.ticks(frames), *visual.grid), "motion": (motion.ticks(frames), motion.codes)}
    if shards.shapes != wanted:
        raise ValueError(f"Clips of {shards.folder} have codes {shards.shapes}; those of the model have {wanted}.")
    if not 0 < clips <= len(shards):
        raise ValueError(f"{clips} clips are wanted; {shards.folder} has {len(shards)}.")
    generator = torch.Generator(pipeline.device).manual_seed(seed)

    def batches() -> Iterator[dict[str, Tensor]]:
        for start in range(len(shards) - clips, len(shards), batch_size):
            chosen = [shards[index] for index in range(start, min(start + batch_size, len(shards)))]
            codes = {name: values.to(pipeline.device) for name, values in default_collate(chosen).items()}
            expected = draw_expected(pipeline, codes, top_p, generator)
            yield codes | {"visual": see_again(pipeline.video_fsq, expected)}

    done = 0
    with tqdm(total=clips, desc="redrawing", unit="clip", disable=None if progress else True) as bar:
        for done in write_codes(batches(), output, shards.metadata.get("tokenizers")):
            bar.update(done - bar.n)
    return done


@torch.no_grad()
def draw_expected(
    pipeline: UniMoPipeline,
    codes: Mapping[str, Tensor],
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Visual codes `(B, t, h, w)` of clips, every one behind the first picture drawn from what the model expects."""
    model, options = pipeline.model, pipeline.model.sampling_options("i2vm", top_p=top_p)
    inputs = pipeline.processor.build_sequence("i2vm", codes)
    sequence = inputs["sequence"]
    is_wanted = (sequence.holds("visual") & sequence.is_target)[0].to(model.device)
    hidden_states = model.model(input_ids=inputs["input_ids"], sequence=sequence).last_hidden_state[:, :-1]
    hidden_states = hidden_states[:, is_wanted[1:]].flatten(0, 1)
    drawn = [
        torch.multinomial(
            top_p_probabilities(model.modality_logits(some, "visual"), options["top_p"], options["temperature"]),
            num_samples=1,
            generator=generator,
        )
        for some in hidden_states.split(CODES_AT_ONCE)
    ]
    expected = codes["visual"].clone()
    expected[:, 1:] = torch.cat(drawn).view_as(expected[:, 1:])
    return expected


@torch.no_grad()
def see_again(video_fsq: VideoFSQ, visual_codes: Tensor) -> Tensor:
    """Visual codes `(B, t, h, w)` of videos to those of their 8-bit frames."""
    return video_fsq.encode(to_model_range(to_pixels(video_fsq.decode(visual_codes))))
