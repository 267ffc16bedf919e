# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The tokenizers of a recipe: trained before, and frozen while the AR model learns their codes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from transformers import PreTrainedModel

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modalities import ModalityTokenizer, by_modality
from unimo_hf.model.number_ranges import shown
from unimo_hf.pipelines.checkpoint import PARTS, locate_network

Tokenizers = Mapping[str, Any]  # networks that are a [`ModalityTokenizer`], by the name of their modality
Kind = TypeVar("Kind", bound=ModalityTokenizer)


def tokenizer_kinds() -> dict[str, Any]:
    """Classes of tokenizers by their name in a checkpoint; a class that is defined is known."""
    kinds: list[Any] = [kind for kind in ModalityTokenizer.__subclasses__() if issubclass(kind, PreTrainedModel)]
    return {kind.base_model_prefix: kind for kind in kinds}


def check_names(folders: Mapping[str, str]) -> None:
    """Raise `ValueError` if a recipe names a tokenizer that is none, or lacks one that every checkpoint has."""
    kinds = tokenizer_kinds()
    for name in folders:
        if name not in kinds:
            raise ValueError(f"tokenizers names {shown(name)}; there are {sorted(kinds)}.")
    if missing := sorted(PARTS.keys() - folders.keys() - {""}):
        raise ValueError(f"tokenizers.{missing[0]} is missing; a checkpoint has {sorted(PARTS.keys() - {''})}.")


def load_tokenizers(folders: Mapping[str, str], **options: Any) -> dict[str, Any]:
    """Load the tokenizers of a recipe, by their names there.

    Args:
        folders (`Mapping[str, str]`): The recipe's `tokenizers`.
        options: Of `from_pretrained`.

    Raises:
        ValueError: If a folder is missing or holds another network; names the field.
    """
    loaded = {}
    for name, folder in folders.items():
        kind = tokenizer_kinds()[name]
        try:
            loaded[name] = kind.from_pretrained(locate_network(kind, folder), **options)
        except (OSError, TypeError, ValueError) as error:
            is_there = Path(folder).is_dir()
            reason = f"it can't be loaded ({error})" if is_there else "there is no such folder or repository"
            raise ValueError(f"The recipe's tokenizers.{name} is {folder!r}: {reason}.") from error
    return loaded


def freeze_tokenizers(folders: Mapping[str, str], device: torch.device) -> Tokenizers:
    """Load the tokenizers of a recipe as pipelines do, in float32: in half precision some clips get other codes."""
    loaded = load_tokenizers(folders, dtype=torch.float32).values()
    return by_modality(*(tokenizer.eval().requires_grad_(False).to(device) for tokenizer in loaded))


def of_kind(tokenizers: Tokenizers, kind: type[Kind]) -> Kind:
    """The tokenizer of a class."""
    return next(tokenizer for tokenizer in tokenizers.values() if isinstance(tokenizer, kind))


def check_modalities(config: UniMoConfig, tokenizers: Tokenizers) -> None:
    """Raise `ValueError` if a model has other codes than its tokenizers."""
    for name, tokenizer in tokenizers.items():
        if name not in config.table:
            raise ValueError(f"A tokenizer gives {name} codes; the model has {list(config.table)}.")
        for what, (found, wanted) in config.table[name].differences(tokenizer.modality).items():
            raise ValueError(f"The {what} of the model is {found}; its tokenizer has {wanted}.")
