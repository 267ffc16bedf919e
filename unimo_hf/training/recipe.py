# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A training recipe: one YAML file, read into dataclasses that refuse what they do not know."""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from huggingface_hub.errors import StrictDataclassError

from unimo_hf.pipelines.checkpoint import locate_network

T = TypeVar("T")

MIXED_PRECISIONS = ("no", "bf16", "fp16")


@dataclass(frozen=True)
class Optimisation:
    """How a network is fitted; shared by all stages.

    Attributes:
        steps (`int`): Optimiser steps in all.
        batch_size (`int`): Samples a step and process.
        learning_rate (`float`): Peak rate of AdamW.
        warmup_steps (`int`): Steps of linear rise at the start.
        decay_steps (`int`): Steps of linear fall to zero at the end; the rate is constant in between, so that a run
            can be made longer by raising `steps` and resuming from a checkpoint saved before the fall.
        weight_decay (`float`): AdamW's, on matrices and kernels only.
        betas (`tuple[float, float]`): AdamW's.
        gradient_clip (`float`): Largest gradient norm.
        gradient_accumulation_steps (`int`): Batches a step.
        mixed_precision (`str`): `no`, `bf16` or `fp16`.
        seed (`int`): Decides initial weights, order of the data and every random choice.
        workers (`int`): Processes that prepare data.
        log_every (`int`): Steps between lines of the metric log.
        validate_every (`int`): Steps between validations.
        save_every (`int`): Steps between checkpoints.
    """

    steps: int = 1000
    batch_size: int = 8
    learning_rate: float = 1e-4
    warmup_steps: int = 100
    decay_steps: int = 0
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    gradient_clip: float = 1.0
    gradient_accumulation_steps: int = 1
    mixed_precision: str = "no"
    seed: int = 0
    workers: int = 0
    log_every: int = 20
    validate_every: int = 500
    save_every: int = 500

    def __post_init__(self) -> None:
        least = dict.fromkeys(("steps", "batch_size", "gradient_accumulation_steps"), 1)
        least |= dict.fromkeys(("log_every", "validate_every", "save_every"), 1)
        least |= dict.fromkeys(("warmup_steps", "decay_steps", "workers", "seed"), 0)
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {value}.")
        if self.mixed_precision not in MIXED_PRECISIONS:
            raise ValueError(f"mixed_precision is {self.mixed_precision!r}; allowed are {list(MIXED_PRECISIONS)}.")
        if not self.learning_rate > 0 or not self.gradient_clip > 0:
            raise ValueError(
                f"learning_rate is {self.learning_rate}, gradient_clip {self.gradient_clip}; both must be above 0."
            )


@dataclass(frozen=True)
class DrawnData:
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
    front: int = 6000
    around: int = 6000
    frames: int = 17
    fps: float = 15.0
    size: int = 128
    varied: float = 0.0
    seed: int = 1
    cache: str | None = None

    def __post_init__(self) -> None:
        if min(self.front, self.around) < 0 or self.front + self.around < 1:
            raise ValueError(f"front is {self.front}, around {self.around}; together at least 1 clip is needed.")
        if self.frames % 8 != 1:
            raise ValueError(f"frames is {self.frames}; a video has 8k + 1 frames: 1, 9, 17, ...")


@dataclass(frozen=True)
class Recipe:
    """What every recipe has; stages add their own sections.

    Attributes:
        output (`str`): Folder of the trained model, its log and its checkpoints.
        model (`dict`): Fields of the model's config, or `{"file": PATH}` of a config in JSON.
        start (`str`, *optional*): Folder or Hub name of trained weights to go on from, or `unimo-tiny`; `model` then
            holds only what differs from their config.
        optimisation ([`Optimisation`]): How it is fitted.
    """

    output: str
    model: dict[str, Any] = field(default_factory=dict)
    start: str | None = None
    optimisation: Optimisation = field(default_factory=Optimisation)

    def build_model(self, kind: Any, **defaults: Any) -> Any:
        """Make the model, new or with the weights of `start`.

        Args:
            kind (`type`): Class of the model.
            defaults: Fields of its config that the recipe may leave out.

        Raises:
            OSError: If `start` is no folder with weights.
            ValueError: If a field of the config is unknown or its value is not allowed.
        """
        if self.start is None:
            return kind(self.build_config(kind.config_class, **defaults))
        start = locate_network(kind, self.start)
        trained = kind.config_class.from_pretrained(start)
        config = self.build_config(kind.config_class, **trained.to_dict())
        return kind.from_pretrained(start, config=config, dtype=torch.float32)  # what an optimiser needs

    def build_config(self, kind: Any, **defaults: Any) -> Any:
        """Make the model's config.

        Args:
            kind (`type`): Class of the config.
            defaults: Fields that the recipe may leave out.

        Raises:
            ValueError: If a field is unknown or its value is not allowed.
        """
        values = dict(self.model)
        path = values.pop("file", None)
        if path is not None:
            values = _read_json(path) | values
        known = {item.name for item in dataclasses.fields(kind)}
        unknown = sorted(set(self.model) - known - {"file"})
        if unknown:
            raise ValueError(f"The recipe's model has the unknown fields {unknown}; {kind.__name__} has others.")
        try:
            return kind.from_dict(defaults | values)
        except (TypeError, ValueError, StrictDataclassError) as error:
            raise ValueError(f"The recipe's model is no {kind.__name__}: {error}") from error


def load_recipe(path: str | Path, kind: type[T], **overrides: Any) -> T:
    """Read a recipe.

    Args:
        path (`str` or `Path`): YAML file.
        kind (`type`): Dataclass to fill, a subclass of [`Recipe`].
        overrides: Top-level fields that replace those of the file when not `None`.

    Raises:
        ValueError: If the file is no mapping, or a field is unknown, missing or of another type.
    """
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} is not a readable YAML recipe: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds {type(values).__name__}; a recipe is a mapping.")
    values |= {key: value for key, value in overrides.items() if value is not None}
    return _build(kind, values, str(path))


def _read_json(path: str | Path) -> dict[str, Any]:
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable config in JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds {type(values).__name__}; a config is an object.")
    return values


def _build(kind: Any, values: dict[str, Any], where: str) -> Any:
    types_of_fields = typing.get_type_hints(kind)
    unknown = sorted(set(values) - set(types_of_fields))
    if unknown:
        raise ValueError(f"{where} has the unknown fields {unknown}; allowed are {sorted(types_of_fields)}.")
    missing = [
        item.name
        for item in dataclasses.fields(kind)
        if item.name not in values and item.default is item.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where} lacks the fields {missing}.")
    converted = {key: _convert(value, types_of_fields[key], f"{where}: {key}") for key, value in values.items()}
    try:
        return kind(**converted)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _convert(value: Any, wanted: Any, where: str) -> Any:
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, dict):
            raise ValueError(f"{where} is {value!r}; a mapping is needed.")
        return _build(wanted, value, where)
    origin = typing.get_origin(wanted)
    if origin is types.UnionType:
        choices = typing.get_args(wanted)
        return None if value is None and type(None) in choices else _convert(value, choices[0], where)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(item, typing.get_args(wanted)[0], where) for item in value)
    if wanted is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)  # YAML reads 1e-4 as text
        except ValueError:
            pass
    elif wanted is Any or (origin or wanted) is type(value):
        return value
    raise ValueError(f"{where} is {value!r}; {getattr(wanted, '__name__', wanted)} is needed.")
