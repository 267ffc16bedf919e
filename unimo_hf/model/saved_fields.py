# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a configuration is given besides its fields: keys of transformers, former fields, and misspelt ones."""

from collections.abc import Mapping, Set
from dataclasses import fields
from typing import Any

from .number_ranges import shown

ANY = object()  # a former field that says nothing about a network any more: every value is left out

KEYS_OF_TRANSFORMERS = {
    "_attn_implementation",
    "_attn_implementation_internal",
    "_commit_hash",
    "_experts_implementation_internal",
    "_name_or_path",
    "attn_implementation",
    "auto_map",
    "experts_implementation",
    "model_type",
    "name_or_path",
    "num_labels",
    "output_attentions",
    "per_layer_config",
    "quantization_config",
    "tie_last_hidden_states",
    "tie_word_embeddings",
    "torch_dtype",
    "use_return_dict",
}


def take_former_fields(config: Any, given: dict[str, Any], former: Mapping[str, Any]) -> None:
    """Take what an earlier version saved out of what a configuration was given besides its fields.

    Args:
        config (`PreTrainedConfig`): The configuration.
        given (`dict`): What it was given; what was a field is taken out.
        former (`Mapping`): Fields that are gone, and the one value that the code has in their place, or `ANY`.

    Raises:
        ValueError: If a value is another than the code's.
    """
    for name in sorted(former.keys() & given.keys()):
        value, now = given.pop(name), former[name]
        value = list(value) if isinstance(value, tuple) else value
        if now is not ANY and value != now:
            raise ValueError(f"`{name}` is {shown(value)}; a {type(config).__name__} knows {now!r} alone.")


def refuse_unknown_keys(config: Any, given: Mapping[str, Any], known: Set[str] = frozenset()) -> None:
    """Raise `TypeError` for a key that would be stored and never read; `known` are read besides transformers' own."""
    if unknown := sorted(given.keys() - KEYS_OF_TRANSFORMERS - known):
        names = sorted(field.name for field in fields(config))
        raise TypeError(f"`{type(config).__name__}` has no {unknown}; its fields are {names}.")
