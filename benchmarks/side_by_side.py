# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Time two programs in one process, in turn, and say how much quicker one is: what all benchmarks share."""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def seconds(work: Callable[[], Any]) -> float:
    """Wall clock of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(
    workload: str, ours: Callable[[], Any], peer: Callable[[], Any], peer_name: str, rounds: int, units: float = 1.0
) -> dict[str, Any]:
    """Run ours and the peer in turn, each once before to warm up.

    Args:
        workload (`str`): What is measured.
        ours (`Callable`): Our program.
        peer (`Callable`): What it is compared with.
        peer_name (`str`): Its name.
        rounds (`int`): Times that each runs.
        units (`float`): Work of one call, such as frames: `per_second` is in these units.

    Returns:
        `dict`: A row. `ratio` is the peer's median time over ours (above 1: ours is quicker), `min` and `max` are its
        extremes over the rounds.
    """
    ours()
    peer()
    return _row(workload, peer_name, [(seconds(ours), seconds(peer)) for _ in range(rounds)], units)


def against_limit(
    workload: str, ours: Callable[[], Any], limit: float, limit_name: str, rounds: int, units: float = 1.0
) -> dict[str, Any]:
    """As [`compare`], with a number of seconds that ours must stay below in place of a peer; no warm-up."""
    return _row(workload, limit_name, [(seconds(ours), limit) for _ in range(rounds)], units)


def _row(workload: str, peer_name: str, times: list[tuple[float, float]], units: float) -> dict[str, Any]:
    ratios = [theirs / mine for mine, theirs in times]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "workload": workload,
        "peer": peer_name,
        "metric": "seconds",
        "ratio": round(theirs / mine, 3),
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
        "rounds": len(times),
        "seconds": round(mine, 4),
        "peer_seconds": round(theirs, 4),
        "per_second": round(units / mine, 2),
    }


def arguments(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file")
    parser.add_argument(
        "--rounds", type=int, default=rounds, help="times that each program runs (default: %(default)s)"
    )
    return parser


def report(rows: list[dict[str, Any]], file: Path | None) -> None:
    """Print a table, and write the rows to a file if one is named."""
    table = Table(title="ratio: the peer's median time / ours", title_justify="left")
    shown = ("workload", "peer", "seconds", "peer_seconds", "ratio", "min", "max", "per_second")
    for name in shown:
        table.add_column(name.replace("_", " "), min_width=len(name) if name not in ("workload", "peer") else 12)
    for row in rows:
        table.add_row(*(str(row[name]) for name in shown))
    Console().print(table)
    if file is not None:
        file.write_text(json.dumps(rows, indent=2), encoding="utf-8")
