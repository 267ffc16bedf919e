# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a generation configuration may say of sampling, for all tasks and for one."""

from collections.abc import Mapping
from typing import Any

from transformers.generation import GenerationConfig

from .number_ranges import NATURAL, SIZE, Range, shown
from .tasks import TASKS

_RANGES = {
    "top_p": Range(0, 1, above=True),
    "temperature": Range(0.01),  # less, and logits leave the range of float32; for the likeliest codes: do_sample
    "top_k": NATURAL,
    "max_length": SIZE,
    "max_new_tokens": SIZE,
    "pad_token_id": NATURAL,
}
_SWITCHES = ("do_sample", "mean_codes")


def check_generation_config(generation_config: GenerationConfig) -> None:
    """Raise `ValueError` naming the first value that sampling can't take.

    Args:
        generation_config (`GenerationConfig`): Values for all tasks and, in `task_options`, what differs for a task.
    """
    _check("", vars(generation_config))
    of_tasks = getattr(generation_config, "task_options", None) or {}
    if not isinstance(of_tasks, dict):
        raise ValueError(f"`task_options` is {shown(of_tasks)}; an object with the tasks {sorted(TASKS)} is needed.")
    for task, options in of_tasks.items():
        if task not in TASKS:
            raise ValueError(f"`task_options` has the task {shown(task)}; allowed are {sorted(TASKS)}.")
        if not isinstance(options, dict):
            raise ValueError(f"`task_options.{task}` is {shown(options)}; an object is needed.")
        known = {"mean_codes", *vars(GenerationConfig())}
        if unknown := sorted(set(options) - known):
            raise ValueError(f"`task_options.{task}` has the field {shown(unknown[0])}, which sampling does not have.")
        _check(f"task_options.{task}.", options)


def _check(prefix: str, options: Mapping[str, Any]) -> None:
    for name in _SWITCHES:
        if not isinstance(options.get(name), bool | None):
            raise ValueError(f"`{prefix}{name}` is {shown(options[name])}; true or false is needed.")
    for name, allowed in _RANGES.items():
        if options.get(name) is not None:
            allowed.check(f"`{prefix}{name}`", options[name])
