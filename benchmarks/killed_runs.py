# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Kill runs with SIGKILL at random moments and run them again: nothing is lost or doubled, all is equal to the bit.

Of each command one run is left alone; its folder is what every other must come to. Moments are drawn over the whole
length of that run, over what it lasts from its lock on, and from its first file on, in turn; every second time its
workers are killed too, as when a machine is switched off. After a kill, what stands under its final name must be
whole; then the command is run again, and the folder must be that of the unbroken run, with the files of somebody else
in it.

Example: python benchmarks/killed_runs.py --runs render encode --moments 20 --json killed.json
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hostile.seeds import Seeds, recipe
from rich.console import Console
from rich.table import Table

CLIPS = 60
STEPS = {"steps": 12, "log_every": 1, "validate_every": 4, "save_every": 2}
FOREIGN = (".gitlab-ci.yml", ".abcdef-mine", "notes/step_notes", "notes.txt")
# Of a run that was killed; gone when the folder is finished.
UNFINISHED = (".unimo-unfinished", ".unimo.lock")
# What moments are counted from: the start of the process, the lock of its folder, the first file that it begins.
SIGNS = ("start", "lock", "first file")
LOG = "log.jsonl"
LONGEST = 300.0  # seconds; a run that takes longer hangs
WRITES_AGAIN = "is being written by another run"  # of a process that lives on without the one that was killed


@dataclass(frozen=True)
class Run:
    """A command that fills a folder.

    Attributes:
        arguments (`Callable`): Gives the arguments of `unimo` for the folder.
        goes_on (`bool`): Whether it takes up what is there: its files change until it is done.
    """

    arguments: Callable[[Seeds, Path], list[str]]
    goes_on: bool = False


def render(seeds: Seeds, folder: Path, clips: int = CLIPS) -> list[str]:
    """Draw clips on two processes."""
    size = ["--clips", str(clips), "--frames", "9", "--size", "32", "--workers", "2"]
    return ["data", "render", str(seeds["motions/walk.npz"]), "-o", str(folder), *size]


def encode(seeds: Seeds, folder: Path) -> list[str]:
    """Encode clips that were drawn before."""
    return ["data", "encode", str(clips_of(seeds)), "-o", str(folder), "--model", str(seeds["checkpoint"])]


def train(seeds: Seeds, folder: Path) -> list[str]:
    """Train the model on code shards."""
    values = recipe(seeds, "unimo", folder)
    values["optimisation"] = {**values["optimisation"], **STEPS}
    return ["train", "unimo", str(_write_recipe(folder, values))]


def train_with_shards(seeds: Seeds, folder: Path) -> list[str]:
    """Train for two steps on clips that are drawn and encoded into the folder first."""
    drawn = {"motions": str(seeds["motions/walk.npz"]), "front": 16, "around": 8, "frames": 9, "size": 32}
    values = recipe(seeds, "unimo", folder / "run") | {"shards": str(folder / "shards"), "drawn": drawn}
    return ["train", "unimo", str(_write_recipe(folder, values))]


def _write_recipe(folder: Path, values: dict[str, Any]) -> Path:
    path = folder.with_name("recipe.yaml")
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


RUNS = {
    "render": Run(render),
    "encode": Run(encode),
    "train": Run(train, goes_on=True),
    "train-with-shards": Run(train_with_shards, goes_on=True),
}


def clips_of(seeds: Seeds) -> Path:
    """As many clips as are drawn, to be encoded."""
    folder = seeds.folder / "many-clips"
    if not folder.exists():
        _finish(start(render(seeds, folder), seeds.folder / "many-clips.txt"))
    return folder


def start(arguments: list[str], output: Path) -> subprocess.Popen:
    """Start `unimo` in a session of its own; what it prints goes to a file."""
    program = [sys.executable, "-c", "from unimo_hf.cli.app import main; main()", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with output.open("wb") as file:
        return subprocess.Popen(
            program, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, start_new_session=True
        )


def _finish(process: subprocess.Popen) -> int:
    try:
        return process.wait(LONGEST)
    finally:
        kill(process.pid, group=True)


def kill(pid: int, group: bool) -> None:
    """Send SIGKILL to a process, or to all of its group; nothing if there is none any more."""
    try:
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def prepare(folder: Path) -> Path:
    """Make the folder of a run, with files of somebody else in it."""
    output = folder / "out"
    for name in FOREIGN:
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} of somebody else", encoding="utf-8")
    return output


def contents(folder: Path) -> dict[str, Any]:
    """What is in a folder, by the way to it; of a log its lines, without how long they took."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            found[name] = "folder"
        elif path.name == LOG:
            lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            found[name] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """In what a folder is not as it should be; nothing if it is."""
    lost = [f"{name} is missing" for name in expected.keys() - found.keys()]
    more = [f"{name} is too much" for name in found.keys() - expected.keys()]
    other = [f"{name} differs" for name in found.keys() & expected.keys() if found[name] != expected[name]]
    return sorted(lost + more + other)


def half_files(found: dict[str, Any], expected: dict[str, Any], goes_on: bool) -> list[str]:
    """What a killed run has left under a final name that is not whole."""
    own = {name: value for name, value in found.items() if not set(name.split("/")) & {*UNFINISHED, LOG}}
    if goes_on:
        own = {name: value for name, value in own.items() if "checkpoints" not in name.split("/")}
    missing = [f"{name} is missing" for name in FOREIGN if name not in found]
    return missing + [
        f"{name} is not whole" for name, value in own.items() if name in expected and value != expected[name]
    ]


class Moment(NamedTuple):
    """When a run is killed.

    Attributes:
        seconds (`float`): Since a sign.
        since (`str`): One of `SIGNS`.
        group (`bool`): Whether all of its processes are killed, or it alone.
    """

    seconds: float
    since: str
    group: bool

    def __str__(self) -> str:
        return f"{'with its workers' if self.group else 'alone'}, {self.seconds:.2f} s after its {self.since}"


@dataclass
class Unbroken:
    """A run that was left alone.

    Attributes:
        contents (`dict[str, Any]`): Of its folder.
        lasts (`dict[str, float]`): Seconds from each sign to its end.
    """

    contents: dict[str, Any]
    lasts: dict[str, float]


def unbroken(run: Run, folder: Path, seeds: Seeds) -> Unbroken:
    """Run a command to its end; ends the program if it fails."""
    output = prepare(folder)
    arguments = run.arguments(seeds, output)
    process = start(arguments, folder / "printed.txt")
    seen = {}
    for sign in SIGNS:
        wait_for(sign, process, output)
        seen[sign] = time.monotonic()
    if _finish(process):
        sys.exit(f"A run that nobody killed fails: {' '.join(arguments)}\n{_printed(folder)}")
    return Unbroken(contents(output), {sign: time.monotonic() - moment for sign, moment in seen.items()})


def wait_for(sign: str, process: subprocess.Popen, folder: Path) -> None:
    """Wait until a run has given a sign, or has ended."""
    foreign = len({name.partition("/")[0] for name in FOREIGN})
    while process.poll() is None:
        entries = os.listdir(folder)
        begun = len(entries) > foreign
        if sign == "start" or (begun and (sign == "lock" or _holds_file(folder))):
            return
        time.sleep(0.005)


def _holds_file(folder: Path) -> bool:
    """Whether a run has begun a file, anywhere; its lock is none."""
    files = {name for _, _, names in os.walk(folder) for name in names}
    return bool(files - {name.rpartition("/")[2] for name in FOREIGN} - {*UNFINISHED, "recipe.yaml"})


def _printed(folder: Path) -> str:
    return (folder / "printed.txt").read_text(encoding="utf-8", errors="replace")[-1000:]


def killed(run: Run, folder: Path, seeds: Seeds, whole: Unbroken, moment: Moment) -> dict[str, Any]:
    """Run a command, kill it, and run it again.

    Returns:
        `dict[str, Any]`: `moment`, in words; whether it was `in_time`; what the folder held; and `faults`, a list.
    """
    output = prepare(folder)
    before = contents(output)
    arguments = run.arguments(seeds, output)
    process = start(arguments, folder / "printed.txt")
    wait_for(moment.since, process, output)
    try:
        process.wait(moment.seconds)
    except subprocess.TimeoutExpired:
        kill(process.pid, moment.group)
    code = process.wait()
    left = contents_of_killed(output)
    faults = [f"after the kill: {fault}" for fault in half_files(left, whole.contents, run.goes_on)]
    is_done = not differences(left, whole.contents)
    again = folder / "again.txt"
    waited = time.monotonic()
    code_again = _finish(start(arguments, again))
    while code_again and WRITES_AGAIN in again.read_text(errors="replace") and time.monotonic() - waited < 30:
        time.sleep(0.5)  # a worker of the killed run still ends what it was at
        code_again = _finish(start(arguments, again))
    kill(process.pid, group=True)
    if code_again and not is_done:
        faults.append(f"run again: code {code_again}: {again.read_text(errors='replace')[-300:].strip()}")
    faults += [f"in the end: {fault}" for fault in differences(contents(output), whole.contents)]
    if not faults:
        shutil.rmtree(folder)
    return {
        "moment": str(moment),
        "in_time": code != 0,
        "found": "all" if is_done else f"{len(left.keys() - before.keys())} files",
        "faults": faults,
    }


def contents_of_killed(folder: Path) -> dict[str, Any]:
    """As `contents`, of a folder in which a log may end with half a line, and others may still be at work."""
    for _ in range(20):
        try:
            return contents(folder)
        except FileNotFoundError:  # a worker has moved a file while we looked
            time.sleep(0.05)
        except ValueError:
            break
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOG
    }


def moments(whole: Unbroken, rng: random.Random) -> Iterator[Moment]:
    """Draw moments of kills without end: since each sign, and of both kinds, in turn."""
    while True:
        for group in (False, True):
            for sign in SIGNS:
                yield Moment(rng.uniform(0, whole.lasts[sign]), sign, group)


def row_of(name: str, whole: Unbroken, kills: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of a run."""
    sound = [float(not one["faults"]) for one in kills]
    return {
        "workload": f"kill -9: {name}",
        "peer": "an unbroken run",
        "metric": "share of kills after which all is equal to the bit",
        "ratio": round(sum(sound) / len(sound), 4),
        "min": min(sound),
        "max": max(sound),
        "rounds": len(kills),
        "seconds": round(whole.lasts["start"], 2),
        "kills": kills,
    }


def main() -> None:
    """Kill the runs that the command line names, print a table; code 1 if anything was lost, doubled or left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", nargs="+", choices=[*RUNS], default=[*RUNS], help="what to kill (default: all)")
    parser.add_argument("--moments", type=int, default=20, help="kills of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: %(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the folders of kills with faults")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="killed-")) if arguments.keep is None else arguments.keep
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    os.environ |= {"HF_HOME": str(folder / "hugging_face"), "TOKENIZERS_PARALLELISM": "false"}
    rows = []
    try:
        seeds = Seeds(folder / "seeds")
        for name in arguments.runs:
            rows.append(kill_run(name, folder / name, seeds, arguments.moments, arguments.seed))
    finally:
        if arguments.keep is None:
            shutil.rmtree(folder)
    report(rows)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    sys.exit(any(row["min"] < 1 for row in rows))


def kill_run(name: str, folder: Path, seeds: Seeds, count: int, seed: int) -> dict[str, Any]:
    """Kill one run at each of its moments."""
    console = Console(stderr=True)
    whole = unbroken(RUNS[name], folder / "unbroken", seeds)
    console.print(f"{name}:", ", ".join(f"{seconds:.1f} s from its {sign}" for sign, seconds in whole.lasts.items()))
    kills = []
    for number, moment in enumerate(moments(whole, random.Random(seed))):
        one = killed(RUNS[name], folder / str(number), seeds, whole, moment)
        console.print(f"  {one}", markup=False, highlight=False)
        if one["in_time"] or one["faults"]:  # a run that had ended was not killed: another moment is drawn
            kills.append(one)
        if len(kills) == count:
            break
    return row_of(name, whole, kills)


def report(rows: list[dict[str, Any]]) -> None:
    """Print the table and what was wrong."""
    table = Table(title="kill -9, then run again", title_justify="left")
    for column in ("run", "kills", "nothing was written", "all was written", "equal to the bit"):
        table.add_column(column, justify="left" if column == "run" else "right", no_wrap=column == "run")
    for row in rows:
        kills = row["kills"]
        counts = [sum(one["found"] == found for one in kills) for found in ("0 files", "all")]
        cells = (len(kills), *counts, sum(not one["faults"] for one in kills))
        table.add_row(row["workload"].removeprefix("kill -9: "), *map(str, cells))
    Console().print(table)
    for row in rows:
        for one in row["kills"]:
            for fault in one["faults"]:
                sys.stdout.write(f"{row['workload']}, {one['moment']}: {fault}\n")


if __name__ == "__main__":
    main()
