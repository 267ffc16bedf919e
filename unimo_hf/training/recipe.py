# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A training recipe: one YAML file, read into dataclasses that refuse what they do not know."""

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch

from unimo_hf.json_files import read_json_object
from unimo_hf.memory import check_memory
from unimo_hf.model.number_ranges import FPS, NATURAL, SHARE, SIZE, WEIGHT, Range, shown
from unimo_hf.pipelines.checkpoint import locate_network
from unimo_hf.pipelines.hub import download_checkpoint
from unimo_hf.pipelines.model_size import check_weights_fit, count_parameters
from unimo_hf.pipelines.network_files import make_config, open_network
from unimo_hf.training.yaml_file import read_yaml_mapping

T = TypeVar("T")

# What a field of a recipe may hold; see [`Section`].
Count = Annotated[int, SIZE]
Natural = Annotated[int, NATURAL]
Clips = Annotated[int, Range(1, 10_000_000, whole=True)]
ClipsOrNone = Annotated[int, Range(0, 10_000_000, whole=True)]
ValidationClips = Annotated[int, Range(1, 10_000, whole=True)]
Frames = Annotated[int, Range(1, 10_000, whole=True)]
Side = Annotated[int, Range(16, 4096, whole=True)]
Seed = Annotated[int, Range(0, 2**32 - 1, whole=True)]
Fps = Annotated[float, FPS]
Rate = Annotated[float, Range(0, 1_000_000, above=True)]
Weight = Annotated[float, WEIGHT]
Share = Annotated[float, SHARE]

MIXED_PRECISIONS = ("no", "bf16", "fp16")
BYTES_TO_LEARN = 16  # of a weight: itself, its gradient and two averages of AdamW, float32
BYTES_TO_START = 4


class Section:
    """A part of a recipe. The annotation of a number says which are allowed; a part that is made is checked."""

    def __post_init__(self) -> None:
        for name, wanted in typing.get_type_hints(type(self), include_extras=True).items():
            for allowed in getattr(wanted, "__metadata__", ()):
                value = getattr(self, name)
                is_mapping = isinstance(value, dict)
                numbers = {f"{name}.{key}": one for key, one in value.items()} if is_mapping else {name: value}
                for where, number in numbers.items():
                    allowed.check(where, number)


@dataclass(frozen=True)
class Optimisation(Section):
    """How a network is fitted; shared by all stages.

    Attributes:
        steps (`int`): Optimiser steps in all.
        batch_size (`int`): Samples a step and process.
        learning_rate (`float`): Peak rate of AdamW.
        warmup_steps (`int`): Steps of linear rise at the start.
        decay_steps (`int`): Steps of linear fall to zero at the end; the rate is constant in between, so that a run
            can be made longer by raising `steps` and resuming from a checkpoint saved before the fall.
        gradient_accumulation_steps (`int`): Batches a step.
        mixed_precision (`str`): `no`, `bf16` or `fp16`.
        seed (`int`): Decides initial weights, order of the data and every random choice.
        workers (`int`): Processes that prepare data.
        log_every (`int`): Steps between lines of the metric log.
        validate_every (`int`): Steps between validations.
        save_every (`int`): Steps between checkpoints.
    """

    steps: Count = 1000
    batch_size: Count = 8
    learning_rate: Rate = 1e-4
    warmup_steps: Natural = 100
    decay_steps: Natural = 0
    gradient_accumulation_steps: Annotated[int, Range(1, 4096, whole=True)] = 1
    mixed_precision: str = "no"
    seed: Seed = 0
    workers: Annotated[int, Range(0, 256, whole=True)] = 0
    log_every: Count = 20
    validate_every: Count = 500
    save_every: Count = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        if max(self.warmup_steps, 1) + max(self.decay_steps, 1) > self.steps + 1:
            raise ValueError(
                f"warmup_steps is {self.warmup_steps} and decay_steps {self.decay_steps}; "
                f"in {self.steps} steps the learning rate would never reach its peak."
            )
        if self.mixed_precision not in MIXED_PRECISIONS:
            raise ValueError(f"mixed_precision is {self.mixed_precision!r}; allowed are {list(MIXED_PRECISIONS)}.")


@dataclass(frozen=True)
class DrawnData(Section):
    """Clips drawn from motion capture.

    Attributes:
        motions (`str`): Folder or file of motions.
        front (`int`): Clips with the camera in front of the person.
        around (`int`): Clips with the camera anywhere round the person.
        frames (`int`): Frames of a clip.
        fps (`float`): Frames per second of a clip.
        size (`int`): Side of the picture, pixels.
        varied (`float`): Share of clips whose poses are varied beyond the motions.
        seed (`int`): Seed of the drawing.
        cache (`str`, *optional*): Folder that keeps drawn clips for the next epoch and the next run.
    """

    motions: str = "assets/motions/train"
    front: ClipsOrNone = 6000
    around: ClipsOrNone = 6000
    frames: Frames = 17
    fps: Fps = 15.0
    size: Side = 128
    varied: Share = 0.0
    seed: Seed = 1
    cache: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.front + self.around < 1:
            raise ValueError(f"front is {self.front}, around {self.around}; together at least 1 clip is needed.")
        if self.frames % 8 != 1:
            raise ValueError(f"frames is {self.frames}; a video has 8k + 1 frames: 1, 9, 17, ...")
        check_memory(4 * self.frames * 3 * self.size**2, f"size is {self.size}, frames {self.frames}; a clip")


@dataclass(frozen=True)
class Recipe(Section):
    """What every recipe has; stages add their own sections.

    Attributes:
        output (`str`): Folder of the trained model, its log and its checkpoints.
        model (`dict`): Fields of the model's config, or `{"file": PATH}` of a config in JSON.
        start (`str`, *optional*): Folder or Hub name of trained weights to go on from, or `unimo-tiny`; `model` then
            holds only what differs from their config.
        validation_clips (`int`): Clips of a validation.
        optimisation ([`Optimisation`]): How it is fitted.
    """

    output: str
    model: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    validation_clips: ValidationClips = 64
    optimisation: Optimisation = field(default_factory=Optimisation)

    origin: str = field(default="The recipe", init=False, repr=False, compare=False)  # its file, in messages

    def build_model(self, kind: Any, **defaults: Any) -> Any:
        """Make the model, new or with the weights of `start`.

        Args:
            kind (`type`): Class of the model.
            defaults: Fields of its config that the recipe may leave out.

        Raises:
            ValueError: If `start` is no folder and no repository with such weights, a field of the config is unknown
                or its value not allowed, or the model is larger than this machine's memory.
        """
        if self.start is None:
            config = self.build_config(kind.config_class, **defaults)
            self._check_size(kind, config)
            return kind(config)
        folder = Path(locate_network(kind, self.start))
        try:
            if not folder.is_dir():
                folder = download_checkpoint(self.start)
            path = folder / "config.json"
            trained = make_config(kind.config_class, read_json_object(path), f"{path}:")
        except ValueError as error:
            raise ValueError(f"{self.origin}: start: {error}") from error
        config = self.build_config(kind.config_class, **trained.to_dict())
        self._check_size(kind, config)
        return open_network(kind, folder, config, dtype=torch.float32)[0]  # what an optimiser needs

    def build_config(self, kind: Any, **defaults: Any) -> Any:
        """Make the model's config.

        Args:
            kind (`type`): Class of the config.
            defaults: Fields that the recipe may leave out.

        Raises:
            ValueError: If a field is unknown or its value is not allowed.
        """
        values, where = dict(self.model), f"{self.origin}: model"
        path = values.pop("file", None)
        if path is not None:
            if not isinstance(path, str):
                raise ValueError(f"{where}.file is {shown(path)}; the name of a config in JSON is needed.")
            values, where = read_json_object(path) | values, f"{where}, with {path},"
        known = {item.name for item in dataclasses.fields(kind)}
        if unknown := sorted(set(self.model) - known - {"file"}):
            raise ValueError(f"{where} has the unknown fields {unknown}; {kind.__name__} has others.")
        return make_config(kind, defaults | values, where)

    def _check_size(self, kind: Any, config: Any) -> None:
        where = f"{self.origin}: model:"
        # Where there is a GPU, it holds all but the weights at their start.
        bytes_each = BYTES_TO_START if torch.cuda.is_available() else BYTES_TO_LEARN
        check_weights_fit(count_parameters(kind, config, where), bytes_each, where)


def load_recipe(path: str | Path, kind: type[T], **overrides: Any) -> T:
    """Read a recipe.

    Args:
        path (`str` or `Path`): YAML file.
        kind (`type`): Dataclass to fill, a subclass of [`Recipe`].
        overrides: Top-level fields that replace those of the file when not `None`.

    Raises:
        ValueError: If the file is no mapping, or a field is unknown, missing or of another type.
    """
    values = read_yaml_mapping(path)
    values |= {key: value for key, value in overrides.items() if value is not None}
    recipe = _build(kind, values, f"{path}: ")
    object.__setattr__(recipe, "origin", str(path))
    return recipe


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    """Make a section; `where`, the file and the way to the section, begins the messages."""
    fields = {item.name: item for item in dataclasses.fields(kind) if item.init}
    for name in values:
        if name not in fields:
            raise ValueError(f"{where}{name[:60]!r} is no field; allowed are {sorted(fields)}.")
    for name, item in fields.items():
        if name not in values and item.default is item.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}{name} is missing.")
    wanted = typing.get_type_hints(kind)
    converted = {key: _convert(value, wanted[key], f"{where}{key}") for key, value in values.items()}
    try:
        return kind(**converted)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error


def _convert(value: Any, wanted: Any, where: str) -> Any:
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, dict):
            raise ValueError(f"{where} is {shown(value)}; a mapping is needed.")
        return _build(wanted, value, f"{where}.")
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        return None if value is None and type(None) in arguments else _convert(value, arguments[0], where)
    if origin is dict and arguments[1] is not Any:
        if not isinstance(value, dict):
            raise ValueError(f"{where} is {shown(value)}; a mapping is needed.")
        if wrong := [key for key in value if not key.isidentifier()]:
            raise ValueError(f"{where} has the key {shown(wrong[0])}; a name is needed.")
        return {key: _convert(item, arguments[1], f"{where}.{key}") for key, item in value.items()}
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else (value,)
        return tuple(_convert(item, arguments[0], where) for item in items)
    if wanted is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-4 as text
        except (ValueError, OverflowError):
            pass
    elif wanted is Any or (origin or wanted) is type(value):
        if isinstance(value, str) and not value.isprintable():
            raise ValueError(f"{where} is {shown(value)}; text of one line is needed.")
        return value
    raise ValueError(f"{where} is {shown(value)}; {getattr(wanted, '__name__', wanted)} is needed.")
