# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A result as a table for people and as JSON for machines; every number with its unit and how it was measured."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unimo_hf.names import shown

if TYPE_CHECKING:
    from rich.table import Table

ABSENT = "–"
FACTS = ("camera", "frames", "clip_frames", "frames_left_out", "fps", "default_decoding", "target", "seed")


def result_table(result: Mapping[str, Any]) -> "Table":
    """Lay a result out: one row a number, one column for the model, each other decoding and each baseline.

    Args:
        result (`Mapping`): As [`make_result`] gives it.

    Returns:
        `rich.table.Table`: Ready to print.
    """
    from rich.markup import escape
    from rich.table import Table

    columns: dict[str, Mapping[str, float | None]] = {"model": result["metrics"]}
    default = result.get("default_decoding")
    columns |= {name: numbers for name, numbers in result.get("decodings", {}).items() if name != default}
    columns |= result["baselines"]
    facts = ", ".join(f"{name} {result[name]}" for name in FACTS if name in result)
    table = Table(
        title=escape(shown(f"{result['task']}: {result['model']} on {result['clips']} clips ({facts})")),
        title_justify="left",
        caption=_caption(result),
        caption_justify="left",
    )
    for heading in ("metric", "unit"):
        table.add_column(heading, no_wrap=True)
    table.add_column("points, alignment, variant")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    errors = result.get("standard_errors", {})
    for name in dict.fromkeys(name for numbers in columns.values() for name in numbers):
        how = result["protocol"][name]
        cells = [_number(numbers.get(name)) for numbers in columns.values()]
        if name in errors:
            cells[0] += f" ± {_number(errors[name])}"
        measured = ", ".join(how[word] for word in ("points", "alignment", "variant") if how[word])
        words = (name, result["units"][name], measured)
        table.add_row(*(escape(word) for word in words), *cells)
    return table


def result_json(result: Mapping[str, Any]) -> str:
    """One JSON object in ASCII, which any terminal and program takes; numbers that do not exist are null."""
    return json.dumps(result, indent=2, allow_nan=False)


def _caption(result: Mapping[str, Any]) -> str | None:
    lines = []
    if "standard_errors" in result:
        lines.append("± standard error over clips.")
    if result["failures"]:
        lines.append(f"{len(result['failures'])} clips could not be used.")
    return " ".join(lines) or None


def _number(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.2f}"
