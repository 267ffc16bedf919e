# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The tasks of a recipe, drawn by their weights, each on its own data."""

import bisect
import itertools
from collections.abc import Callable, Mapping, Set

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
        self.entries = [(name, entry) for name, entry in recipe.mixture.items() if entry.weight]
        self.ends = list(itertools.accumulate(entry.weight for _, entry in self.entries))
        self.tasks = [get_task(name) for name, _ in self.entries]
        opened: dict[str, CodeShards | None] = {} if recipe.shards is None else {recipe.shards: None}
        self.data: list[list[CodeShards | None]] = []
        for task, (name, entry) in zip(self.tasks, self.entries, strict=True):
            for folder in entry.data:
                if folder not in opened:
                    opened[folder] = read_shards(folder)
            self.data.append([opened[folder] for folder in entry.data] or [None])
            for folder, shards in zip(entry.data or ("the recipe's data",), self.data[-1], strict=True):
                given = held if shards is None else shards.shapes.keys()
                if missing := sorted(map(str, codes_of(task) - given)):
                    found = f"{folder} has codes of {sorted(given)}"
                    raise ValueError(f"{recipe.origin}: mixture.{name}.data: {found}; the task needs {missing} too.")

    def draw(self) -> tuple[Task, TaskShare, CodeShards | None]:
        """A task, what the recipe says of it, and the clips to learn it from; `None` for the recipe's own."""
        number = bisect.bisect_right(self.ends, float(torch.rand(())) * self.ends[-1])
        data = self.data[number]
        place = int(float(torch.rand(())) * len(data)) if len(data) > 1 else 0
        return self.tasks[number], self.entries[number][1], data[place]


def codes_of(task: Task) -> set[str | tuple[str, int]]:
    """Keys of the codes that a task needs, as the processor takes them."""
    segments = (*task.condition, *task.target)
    return {(one.modality, one.stream) if one.stream else one.modality for one in segments}


def some_clips(clips: CodeShards, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A batch of codes of clips drawn by chance, as large as another batch."""
    example = next(iter(like.values()))
    drawn = [clips[index] for index in torch.randint(len(clips), (len(example),)).tolist()]
    return {name: codes.to(example.device) for name, codes in default_collate(drawn).items()}
