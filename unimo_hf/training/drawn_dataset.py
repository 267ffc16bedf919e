# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The drawn clips of a recipe, and which of them are held out."""

from pathlib import Path

import numpy as np
from torch.utils.data import ConcatDataset, Dataset, Subset

from unimo_hf.data.drawn_clips import DrawnClips
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.motion.motion import load_collection
from unimo_hf.training.recipe import DrawnData


def drawn_dataset(data: DrawnData) -> Dataset:
    """The clips of a recipe: front and around, each with its own seed, in turn while both last."""
    motions = load_collection(data.motions)
    parts = []
    for offset, (camera, clips) in enumerate((("front", data.front), ("around", data.around))):
        if not clips:
            continue
        settings = ClipSettings(frames=data.frames, fps=data.fps, size=data.size, camera=camera, varied=data.varied)
        kind = ("clips" if data.frames > 1 else "stills") + ("_varied" if data.varied else "")
        cache = Path(data.cache) / f"{kind}_{camera}_{data.seed + offset}" if data.cache else None
        parts.append(DrawnClips(ClipSource(motions, settings, data.seed + offset), clips, cache))
    return _in_turn(parts)


def _in_turn(parts: list[DrawnClips]) -> Dataset:
    number = np.concatenate([np.arange(len(part)) for part in parts])  # of each clip in its own part
    return Subset(ConcatDataset(parts), np.argsort(number, kind="stable"))  # type: ignore[arg-type]


def held_out(clips: Dataset, count: int) -> tuple[Dataset, Dataset]:
    """Split clips into those to learn from and the first `count`, held out.

    Raises:
        ValueError: If nothing is left to learn from, or nothing is held out.
    """
    length = len(clips)  # type: ignore[arg-type]
    if not 0 < count < length:
        raise ValueError(
            f"validation_clips is {count}; it must be at least 1 and below the number of clips, {length}."
        )
    return Subset(clips, range(count, length)), Subset(clips, range(count))
