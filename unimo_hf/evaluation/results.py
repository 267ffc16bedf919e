# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The plain dict that every evaluation returns and `unimo evaluate --json` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

Numbers = Mapping[str, float | None]


def make_result(
    task: str,
    *,
    metrics: Numbers,
    units: Mapping[str, str],
    protocol: Mapping[str, Mapping[str, str]],
    baselines: Mapping[str, Numbers],
    clips: int,
    model: str,
    seed: int,
    failures: Sequence[Mapping[str, str]] = (),
    **facts: Any,
) -> dict[str, Any]:
    """Put a result together.

    Args:
        task (`str`): What was evaluated: `motion-vqvae`, `video-fsq`, `v2m` or `i2vm`.
        metrics (`Mapping`): The model's numbers.
        units (`Mapping`): Unit of each number.
        protocol (`Mapping`): For each number, which `points` were compared, after which `alignment`, and which
            `variant` it is.
        baselines (`Mapping`): Numbers of each baseline.
        clips (`int`): Clips that were scored.
        model (`str`): Name of the checkpoint.
        seed (`int`): Seed of all that is random.
        failures (`Sequence`): `input` and `error` of clips that were left out.
        **facts: What else is to be said.

    Raises:
        ValueError: If a number has no unit or no protocol.
    """
    named = {name for numbers in (metrics, *baselines.values()) for name in numbers}
    bare = sorted(named - (units.keys() & protocol.keys()))
    if bare:
        raise ValueError(f"The numbers {bare} have no unit or no protocol; every number needs both.")
    return {
        "task": task,
        "metrics": dict(metrics),
        "units": {name: units[name] for name in sorted(named)},
        "protocol": {name: dict(protocol[name]) for name in sorted(named)},
        "baselines": {name: dict(numbers) for name, numbers in baselines.items()},
        "clips": clips,
        "model": model,
        "seed": seed,
        **facts,
        "failures": [dict(failure) for failure in failures],
    }
