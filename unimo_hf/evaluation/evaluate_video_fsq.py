# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo evaluate video-fsq`: how well the video tokenizer gives back what it was shown."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from unimo_hf.metrics.codes import codebook_use
from unimo_hf.metrics.video import psnr
from unimo_hf.model.pixel_range import to_model_range, to_pixels

from .baselines import first_frame_video, mean_colour_video
from .clip_batches import ClipFiles, ClipReader
from .results import make_result

UNITS = {"psnr": "dB", "psnr_frames": "dB", "codebook_utilisation": "%", "codebook_perplexity": "codes"}
PROTOCOL = {
    "psnr": {"points": "RGB, 8 bit", "alignment": "", "variant": "one mean squared error a clip"},
    "psnr_frames": {"points": "RGB, 8 bit", "alignment": "", "variant": "one mean squared error a frame"},
    "codebook_utilisation": {"points": "visual codes", "alignment": "", "variant": "all clips"},
    "codebook_perplexity": {"points": "visual codes", "alignment": "", "variant": "all clips"},
}


class VideoTokenizer(Protocol):
    """What is scored: a [`VideoFSQ`]."""

    config: Any
    device: torch.device

    def encode(self, video: torch.Tensor) -> torch.Tensor:
        """Videos `(B, 3, T, H, W)` in [-1, 1] to codes `(B, t, h, w)`."""

    def decode(self, visual_codes: torch.Tensor) -> torch.Tensor:
        """Codes `(B, t, h, w)` to videos `(B, 3, T, H, W)`."""


@torch.no_grad()
def evaluate_video_fsq(
    tokenizer: VideoTokenizer,
    clips: Sequence[ClipFiles],
    *,
    model: str,
    seed: int = 0,
    batch_size: int = 8,
    progress: bool = True,
    read: Callable[[Path], np.ndarray] | None = None,
) -> dict[str, Any]:
    """Encode and decode clips; the result is rounded to 8 bit and compared with the file's frames.

    Args:
        tokenizer ([`VideoTokenizer`]): The model; `tokenizer.config.codebook_size` is read.
        clips (`Sequence[ClipFiles]`): Clips of 8k + 1 frames.
        model (`str`): Name of the checkpoint, for the report.
        seed (`int`, *optional*, defaults to 0): For the report; nothing here is random.
        batch_size (`int`, *optional*, defaults to 8): Clips at a time.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.
        read (`Callable`, *optional*): Reads the frames of a video file; default: `unimo_hf.video.reading.read_video`.

    Returns:
        `dict`: As [`make_result`]. Baselines: each clip painted in its `mean_colour`, and stopped at its
        `first_frame`.

    Raises:
        ValueError: If no clip could be used.
    """
    reader = ClipReader(clips, batch_size, False, "video tokenizer", progress, read)
    baselines = {"mean_colour": mean_colour_video, "first_frame": first_frame_video}
    values: dict[str, list[torch.Tensor]] = {name: [] for name in ("psnr", "psnr_frames", *baselines)}
    codes = []
    for batch in reader:
        visual_codes = tokenizer.encode(to_model_range(batch.video).to(tokenizer.device))
        codes.append(visual_codes.flatten().cpu())
        made = to_pixels(tokenizer.decode(visual_codes)).cpu()
        values["psnr"].append(psnr(made, batch.video))
        values["psnr_frames"].append(psnr(made, batch.video, dimensions=3).flatten())
        for name, baseline in baselines.items():
            values[name].append(psnr(baseline(batch.video), batch.video))
    means = {name: float(torch.cat(parts).mean()) for name, parts in values.items()}
    use = codebook_use(torch.cat(codes), tokenizer.config.codebook_size)
    return make_result(
        "video-fsq",
        metrics={name: means[name] for name in ("psnr", "psnr_frames")}
        | {"codebook_utilisation": use.utilisation_percent, "codebook_perplexity": use.perplexity},
        units=UNITS,
        protocol=PROTOCOL,
        baselines={name: {"psnr": means[name]} for name in baselines},
        clips=reader.used,
        model=model,
        seed=seed,
        failures=reader.failures,
        frames=reader.total_frames,
    )
