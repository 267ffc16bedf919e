# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A YAML file of somebody else: read within bounds, and refused by name and line."""

from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 2**16
MOST_VALUES = 10_000  # with aliases written out
MOST_DEPTH = 16
MOST_CHARACTERS = 1_000  # of one value

_KEY, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"


def read_yaml_mapping(path: str | Path) -> dict[str, Any]:
    """Read a file that holds one mapping; keys at all depths are text, and each stands once.

    Args:
        path (`str` or `Path`): The file.

    Raises:
        ValueError: If it can't be read, is no YAML of plain values, or is larger than any recipe; names it.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")  # a named pipe would be waited for
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        loader = yaml.SafeLoader(content.decode("utf-8"))
        node = loader.get_single_node()
        _check(node)
        values = loader.construct_document(node) if node is not None else None
    except RecursionError:
        raise ValueError(f"{path} is not a readable YAML recipe: it is nested more than {MOST_DEPTH} deep.") from None
    except OSError as error:
        raise ValueError(f"{path} is not a readable YAML recipe: {error.strerror}.") from error
    # What yaml takes for a number or a date by its look, or by a tag, fails in ways as many as there are kinds.
    except Exception as error:
        raise ValueError(f"{path} is not a readable YAML recipe: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds {type(values).__name__}; a recipe is a mapping.")
    return values


def _check(root: yaml.Node | None) -> None:
    """Raise `ValueError` that says what of a document is no recipe, before objects are made of it."""
    waiting, count = [(root, 0)], 1
    while waiting:
        node, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
        if isinstance(node, yaml.ScalarNode) and len(node.value) > MOST_CHARACTERS:
            raise ValueError(f"line {node.start_mark.line + 1} has a value of {len(node.value)} characters")
        if not isinstance(node, yaml.CollectionNode):
            continue
        if (count := count + len(node.value)) > MOST_VALUES:
            raise ValueError(f"it has more than {MOST_VALUES} values, with its aliases written out")
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        inner = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else node.value
        waiting += [(value, depth + 1) for value in inner]


def _check_keys(node: yaml.MappingNode) -> None:
    found = set()
    for key, _ in node.value:
        line = f"line {key.start_mark.line + 1} has the key"
        if key.tag not in (_KEY, _MERGE):
            raise ValueError(f"{line} {str(key.value)[:40]!r}; a name is needed")
        if key.value in found:
            raise ValueError(f"{line} {key.value[:40]!r} a second time")
        found.add(key.value)
