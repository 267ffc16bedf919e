# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Every key of a checkpoint goes to one place of ours, every place is filled, every shape fits; or nothing is done."""

from collections.abc import Callable, Collection, Mapping, Sequence


def match_keys(
    sources: Mapping[str, Sequence[int]],
    targets: Mapping[str, Sequence[int]],
    target_of: Callable[[str], str | None],
    made_here: Collection[str] = (),
) -> dict[str, str]:
    """Find the source of every target.

    Args:
        sources (`Mapping[str, Sequence[int]]`): Shape of every tensor of the checkpoint.
        targets (`Mapping[str, Sequence[int]]`): Shape of every weight of our model.
        target_of (`Callable[[str], str | None]`): Our name for a key of the checkpoint; `None` if there is none.
        made_here (`Collection[str]`, *optional*): Targets that no checkpoint has.

    Returns:
        `dict[str, str]`: Key of the checkpoint for every target that is not made here.

    Raises:
        ValueError: If a source is used by no target or a second time, a target has no source, or shapes differ. The
            message holds all three lists.
    """
    matches: dict[str, str] = {}
    unused, wrong_shape = [], []
    for source, shape in sources.items():
        target = target_of(source)
        if target is None or target not in targets or target in made_here or target in matches:
            unused.append(source)
            continue
        matches[target] = source
        if tuple(shape) != tuple(targets[target]):
            wrong_shape.append(f"{source}: found {list(shape)}, expected {list(targets[target])} ({target})")
    unfilled = [target for target in targets if target not in matches and target not in made_here]
    lists = {
        "keys of the checkpoint that nothing uses": unused,
        "weights of the model that nothing fills": unfilled,
        "shapes that differ": wrong_shape,
    }
    if any(lists.values()):
        raise ValueError("\n".join(_listed(title, keys) for title, keys in lists.items()))
    return matches


def _listed(title: str, keys: list[str]) -> str:
    """Return a heading with the number of keys, and the keys below it."""
    return "\n  ".join([f"{len(keys)} {title}{':' if keys else ''}", *keys])
