# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The tasks of a recipe, drawn by their weights, each on its own data."""

import bisect
import itertools
from collections.abc import Callable, Mapping, Set
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate

from unimo_hf.data.shards import CodeShards
from unimo_hf.model.tasks import Task, get_task
from unimo_hf.training.unimo_recipe import TaskShare, UniMoRecipe


class Mixture:
    """Draws a task for each batch, and the data to learn it from.

    Args:
        recipe ([`UniMoRecipe`]): Names the tasks, their weights and their data.
        held (`Set[str]`): Modalities of the recipe's own clips.
        read_shards (`Callable`): Opens a folder.

    Attributes:
        tasks (`list[Task]`): Those that are ever drawn.

    Raises:
        ValueError: If the data of a task lack a modality; names file and field.
    """

    def __init__(self, recipe: UniMoRecipe, held: Set[str], read_shards: Callable[[str], CodeShards]):
        self.entries = {name: entry for name, entry in recipe.mixture.items() if entry.weight}
        largest = max(entry.weight for entry in self.entries.values())
        self.ends = list(itertools.accumulate(entry.weight / largest for entry in self.entries.values()))
        self.tasks = [get_task(name) for name in self.entries]
        self._opened: dict[Path, CodeShards | None] = {} if recipe.shards is None else {_place(recipe.shards): None}
        self.data: dict[str, list[CodeShards | None]] = {}
        for task in self.tasks:
            try:
                self.data[task.name] = self._open(self.entries[task.name].data, task, held, read_shards)
            except ValueError as error:
                raise ValueError(f"{recipe.origin}: mixture.{task.name}.data: {error}") from error

    def _open(
        self, folders: tuple[str, ...], task: Task, held: Set[str], read_shards: Callable[[str], CodeShards]
    ) -> list[CodeShards | None]:
        """The data of a task, with the codes that it needs; `None` stands for the recipe's own."""
        for folder in folders:
            if _place(folder) not in self._opened:
                self._opened[_place(folder)] = read_shards(folder)
        data = [self._opened[_place(folder)] for folder in folders] or [None]
        for shards in data:
            given = held if shards is None else shards.shapes.keys()
            if missing := sorted(map(str, codes_of(task) - given)):
                where = "the recipe's own" if shards is None else shards.folder
                raise ValueError(f"{where} has codes of {sorted(given)}; the task needs {', '.join(missing)} too.")
        return data

    def draw(self) -> tuple[Task, TaskShare, CodeShards | None]:
        """A task, what the recipe says of it, and the clips to learn it from; `None` for the recipe's own."""
        task = self.tasks[bisect.bisect_right(self.ends, float(torch.rand(())) * self.ends[-1])]
        data = self.data[task.name]
        place = int(float(torch.rand(())) * len(data)) if len(data) > 1 else 0
        return task, self.entries[task.name], data[place]


def _place(folder: str) -> Path:
    return Path(folder).resolve()


def codes_of(task: Task) -> set[str | tuple[str, int]]:
    """Keys of the codes that a task needs, as the processor takes them."""
    segments = (*task.condition, *task.target)
    return {(one.modality, one.stream) if one.stream else one.modality for one in segments}


def some_clips(clips: CodeShards, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A batch of codes of clips drawn by chance, as large as another batch."""
    example = next(iter(like.values()))
    drawn = [clips[index] for index in torch.randint(len(clips), (len(example),)).tolist()]
    return {name: codes.to(example.device) for name, codes in default_collate(drawn).items()}
