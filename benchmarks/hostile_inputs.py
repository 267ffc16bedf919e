# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Give the commands 1,200 hostile inputs: no traceback, no code run, no hang, no memory, no file of others touched.

Every case is run in a child process of its own, which a parent that has imported everything once has forked. With
`words` are counted failures that are not one line, and lines of libraries; they do not fail the run.

Example: python benchmarks/hostile_inputs.py --kinds 'motions/*' 'recipes/*' --json hostile.json
"""

import os

# Before any library starts threads, which a fork would lose.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "ARROW_DEFAULT_MEMORY_POOL": "system"}

import argparse
import fnmatch
import importlib
import json
import pkgutil
import random
import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from hostile.cases import KINDS, Case, all_cases
from hostile.running import FAULTS, UGLY, Result, run_case
from hostile.seeds import Seeds
from hostile.self_check import check_that_faults_are_found
from hostile.workers import run_all
from rich.console import Console
from rich.progress import track
from rich.table import Table

MODULES = (
    *("harmless", "motions", "motion_values", "pixels", "bombs", "clips_and_shards", "recipes", "checkpoints"),
    *("training_states", "folders", "names", "records", "options"),
)
HARMLESS, HARMLESS_RUNS = "harmless", 3
AGAIN = "python benchmarks/hostile_inputs.py"
LEAST_WIDTH = 140  # columns of text


def main() -> None:
    """Run the cases that the command line names, print a table and the failures; code 1 if there are any."""
    for module in MODULES:
        importlib.import_module(f"hostile.{module}")
    arguments = read_arguments()
    cases = chosen_cases(arguments)
    with workshop(arguments.keep) as folder:
        os.environ |= {"HF_HOME": str(folder / "hugging_face"), "XDG_CACHE_HOME": str(folder / "cache")}
        import_everything()
        seeds = Seeds(folder / "seeds")
        base = harmless_memory(folder / "harmless", seeds)
        if arguments.self_check:
            check_that_faults_are_found(folder / "self-check", seeds, base)
        keep = arguments.keep is not None
        running = run_all(cases, folder / "cases", seeds, arguments.seed, base, arguments.processes, keep)
        results = list(track(running, "running", len(cases), console=Console(stderr=True)))
        # On a busy machine anything may be slow: what hung is tried once more, alone.
        slow = {result.name for result in results if "hang" in result.faults}
        again = [case for case in cases if case.name in slow]
        results = [result for result in results if result.name not in slow]
        results += run_all(again, folder / "again", seeds, arguments.seed, base, 1, keep)
        if len(results) != len(cases):
            sys.exit(f"Only {len(results)} of {len(cases)} cases were run.")
        if changed := seeds.changed():
            sys.exit(f"A command changed files that it had to read only: {changed[:5]}")
    report(results, arguments.seed)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(table_rows(results), indent=2), encoding="utf-8")
    sys.exit(any(set(result.faults) & set(FAULTS) for result in results))


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", default=["*"], metavar="GLOB", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--case", action="append", metavar="NAME", help="run these alone, such as motions/flips/7")
    parser.add_argument("--cases", type=int, default=1200, metavar="N", help="hostile ones to run (%(default)s)")
    parser.add_argument("--all", action="store_true", help="run all that there are")
    parser.add_argument("--seed", type=int, default=0, help="draws other cases and other files (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="cases at a time (default: %(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the files of the cases in a folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file")
    parser.add_argument("--self-check", action="store_true", help="first prove that planted faults are found")
    return parser.parse_args()


def chosen_cases(arguments: argparse.Namespace) -> list[Case]:
    """The cases that the command line names, in the order of the kinds; ends the program if there are none."""
    cases = [
        case for case in all_cases() if any(fnmatch.fnmatch(case.kind.name, pattern) for pattern in arguments.kinds)
    ]
    if arguments.case:
        cases = [case for case in cases if case.name in arguments.case]
    hostile = [case.name for case in cases if case.kind.name != HARMLESS]
    if not arguments.all and arguments.cases < len(hostile):
        left_out = set(hostile) - set(random.Random(arguments.seed).sample(hostile, arguments.cases))
        cases = [case for case in cases if case.name not in left_out]
    if not cases:
        sys.exit(f"There is no such case; kinds are {', '.join(KINDS)}.")
    return cases


@contextmanager
def workshop(keep: Path | None) -> Iterator[Path]:
    """A folder for all files: temporary, or the one that is kept."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        yield Path(folder).resolve()


def import_everything() -> None:
    """Import what any command would, once for all cases; ends the program if that started a thread."""
    from unimo_hf.cli.app import main as unimo

    # What a command does before it imports a library has to be done here.
    sys.argv, own = ["unimo", "--version"], sys.argv
    with redirect_stdout(StringIO()), suppress(SystemExit):
        unimo()
    sys.argv = own
    import accelerate  # noqa: F401
    import av  # noqa: F401
    import datasets  # noqa: F401
    import PIL.Image
    import smplx  # noqa: F401
    import torch
    import transformers

    import unimo_hf

    for module in pkgutil.walk_packages(unimo_hf.__path__, "unimo_hf."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    PIL.Image.init()
    torch.set_num_threads(1)
    assert transformers.AutoConfig  # imported by name when it is first asked for
    threads = [Path(f"/proc/self/task/{thread}/comm").read_text().strip() for thread in os.listdir("/proc/self/task")]
    # The thread of pyarrow's allocator starts anew where it is missing.
    others = [thread for thread in threads if not thread.startswith("jemalloc")][1:]
    if others:
        sys.exit(f"Importing has started threads ({', '.join(others)}), which a fork would lose.")


def harmless_memory(folder: Path, seeds: Seeds) -> float:
    """Peak of resident memory of the cheapest harmless run, megabytes; ends the program if that fails."""
    results = [run_case(Case(KINDS[HARMLESS], 0), folder / str(number), seeds, 0) for number in range(HARMLESS_RUNS)]
    if faulty := [result for result in results if set(result.faults) - {UGLY, "memory"}]:
        sys.exit(f"A good input fails: {faulty[0]}")
    return statistics.median(result.megabytes for result in results)


def table_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """A row for each kind: share of the cases without a fault, the worst of them, and the failures."""
    rows = []
    for name in KINDS:
        of_kind = [result for result in results if result.name.rpartition("/")[0] == name]
        if not of_kind:
            continue
        faulty = [result for result in of_kind if set(result.faults) & set(FAULTS)]
        sound = 1 - len(faulty) / len(of_kind)
        rows.append(
            {
                "workload": name,
                "peer": "no faults",
                "metric": "share of cases without a fault",
                "ratio": round(sound, 4),
                "min": float(not faulty),
                "max": float(len(faulty) < len(of_kind)),
                "rounds": len(of_kind),
                "seconds": max(result.seconds for result in of_kind),
                "megabytes": round(max(result.megabytes for result in of_kind)),
                **{fault: sum(fault in result.faults for result in of_kind) for fault in (*FAULTS, UGLY)},
                "failures": [vars(result) for result in of_kind if result.faults],
            }
        )
    return rows


def report(results: Sequence[Result], seed: int) -> None:
    """Print the table, and every failure with the command that makes it again."""
    rows = table_rows(results)
    shown = {"rounds": "cases", "seconds": "worst s", "megabytes": "worst MB", **{name: name for name in FAULTS}}
    table = Table(title="hostile inputs; MB: over a harmless run", title_justify="left", show_footer=True)
    table.add_column("kind", footer="all", min_width=24)
    for key, name in {**shown, UGLY: UGLY}.items():
        together = max if key in ("seconds", "megabytes") else sum
        table.add_column(name, footer=str(together(row[key] for row in rows)), justify="right")
    for row in rows:
        table.add_row(row["workload"], *(str(row[key]) for key in (*shown, UGLY)))
    console = Console()
    console.width = max(console.width, LEAST_WIDTH)
    console.print(table)
    for result in results:
        if result.faults:
            sys.stdout.write(description(result, seed).encode("utf-8", "backslashreplace").decode() + "\n")


def description(result: Result, seed: int) -> str:
    """What was found in a case, the end of what it printed, and how to make it again."""
    what = ", ".join(f"{fault} ({found})" if found else fault for fault, found in result.faults.items())
    lines = [f"{result.name}: {what}", f"  {shlex.join(result.arguments)}"[:500]]
    lines += [f"  | {line}" for line in result.last_lines]
    return "\n".join([*lines, f"  again: {AGAIN} --case '{result.name}' --seed {seed} --keep FOLDER"])


if __name__ == "__main__":
    main()
