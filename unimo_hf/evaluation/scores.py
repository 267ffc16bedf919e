# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Values of a set of metrics over a set of clips, added up clip by clip."""

import math
import warnings
from collections.abc import Iterable, Mapping

import torch


class Scores:
    """Frame-weighted means of metrics, and how far chance may move them.

    Args:
        names (`Iterable[str]`): The metrics.

    Attributes:
        clips (`int`): Clips that were added.
    """

    def __init__(self, names: Iterable[str]):
        self.clips = 0
        # Metric -> sum and number of the values of each clip.
        self._clips: dict[str, list[tuple[float, int]]] = {name: [] for name in names}

    def add_values(self, values: Mapping[str, Iterable[torch.Tensor]]) -> None:
        """Add the values of B clips: for each metric one tensor a clip, of any length.

        A metric may be missing, in all batches alike.
        """
        found = 0
        for name, rows in values.items():
            sums = [(float(row.sum()), row.numel()) for row in rows]
            self._clips[name] += sums
            found = len(sums)
        self.clips += found

    def means(self) -> dict[str, float | None]:
        """Mean over all values; `None`, with a warning, for a metric that had clips but no value.

        A metric that was never measured (PVE without vertices) is left out.
        """
        found: dict[str, float | None] = {}
        for name, clips in self._clips.items():
            count = sum(number for _, number in clips)
            if count:
                found[name] = math.fsum(total for total, _ in clips) / count
            elif clips:
                warnings.warn(f"There is no value of {name} in {len(clips)} clips.", stacklevel=2)
                found[name] = None
        return found

    def standard_errors(self) -> dict[str, float]:
        """Standard error of the mean over clips, for metrics with at least two: how far chance may move a number."""
        found = {}
        for name, clips in self._clips.items():
            means = torch.tensor([total / count for total, count in clips if count], dtype=torch.float64)
            if len(means) > 1:
                found[name] = float(means.std() / math.sqrt(len(means)))
        return found
