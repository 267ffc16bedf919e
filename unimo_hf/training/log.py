# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The metric log of a training run: one JSON object a line."""

import json
from pathlib import Path

import torch

from unimo_hf.atomic import replace_when_done

LOG = "log.jsonl"
START = b'{"step": '  # of each line


def is_metric_log(path: Path) -> bool:
    """Whether a file is the log of a run, which may not have come far."""
    try:
        with path.open("rb") as file:
            return START.startswith(file.read(len(START)))
    except OSError:
        return False


class MetricLog:
    """Figures of a run, gathered batch by batch and written to `log.jsonl` in its folder.

    Args:
        folder (`Path`): The run's folder.
        enabled (`bool`, *optional*, defaults to `True`): Write; of many processes only one does.
    """

    def __init__(self, folder: Path, enabled: bool = True):
        self.path, self.enabled = folder / LOG, enabled
        self._recent: list[dict[str, torch.Tensor]] = []
        self._last: dict[str, torch.Tensor] = {}

    def add(self, figures: dict[str, torch.Tensor]) -> None:
        """Keep the figures of a batch; nothing waits for the device."""
        self._last = {name: value.detach() for name, value in figures.items()}
        self._recent.append(self._last)

    def last(self, name: str) -> float:
        """A figure of the last batch."""
        return float(self._last[name])

    def take_means(self) -> dict[str, float]:
        """The means since the last call. A figure may be missing from some batches, as that of another task is."""
        names = dict.fromkeys(name for figures in self._recent for name in figures)
        means = {
            name: float(torch.stack([figures[name].float() for figures in self._recent if name in figures]).mean())
            for name in names
        }
        self._recent.clear()
        return means

    def write(self, step: int, figures: dict[str, float]) -> None:
        """Add a line; `OSError` names the log."""
        if not self.enabled:
            return
        line = {"step": step, **{name: round(value, 6) for name, value in figures.items()}}
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(self.path)) from error

    def go_on_from(self, step: int) -> None:
        """Drop the lines after a step: they are of a run that was stopped and is now done again from there."""
        if not self.enabled or not self.path.exists():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                if int(json.loads(line)["step"]) <= step:
                    kept.append(line + "\n")
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue  # half a line, from a machine that was switched off
        with replace_when_done(self.path) as aside:
            aside.write_text("".join(kept), encoding="utf-8")
