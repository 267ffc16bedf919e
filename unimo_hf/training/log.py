# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The metric log of a training run: one JSON object a line."""

import json
from pathlib import Path

import torch

LOG = "log.jsonl"
START = b'{"step": '  # of each line


def is_metric_log(path: Path) -> bool:
    """Whether a file is the log of a run, which may not have come far."""
    if not path.is_file():
        return False
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
        """Cut off the lines after a step: they are of a run that was stopped and is now done again from there."""
        if not self.enabled or not self.path.exists():
            return
        with self.path.open("r+b") as file:
            end = 0
            for line in file:
                if not line.endswith(b"\n") or _step_of(line) > step:  # half a line: a machine was switched off
                    break
                end += len(line)
            file.truncate(end)


def _step_of(line: bytes) -> int:
    """The step of a line; -1 if it has none."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return -1
