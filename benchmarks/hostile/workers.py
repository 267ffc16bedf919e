# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Several processes that run cases, one after the other, and tell the first one what became of them."""

import json
import os
import shutil
import signal
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from hostile.cases import Case
from hostile.running import Result, run_case
from hostile.seeds import Seeds

TICKET = 4  # bytes


def run_all(
    cases: Sequence[Case], folder: Path, seeds: Seeds, seed: int, base: float, processes: int, keep: bool
) -> Iterator[Result]:
    """Run cases on some processes; yields results as they come.

    Args:
        cases (`Sequence[Case]`): What to run.
        folder (`Path`): Each case gets a folder in it.
        seeds ([`Seeds`]): Good files.
        seed (`int`): Of the run.
        base (`float`): Memory of a harmless run, megabytes.
        processes (`int`): How many cases run at a time.
        keep (`bool`): Leave the folders of the cases.
    """
    folder.mkdir(parents=True)
    tickets, give = os.pipe()
    os.write(give, b"".join(number.to_bytes(TICKET, "little") for number in range(len(cases))))
    os.close(give)
    done, tell = os.pipe()
    workers = []
    for _ in range(processes):
        pid = os.fork()
        if not pid:
            os.close(done)
            _work(tickets, tell, cases, folder, seeds, seed, base, keep)
        workers.append(pid)
    os.close(tell)
    os.close(tickets)
    try:
        while ticket := os.read(done, TICKET):
            number = int.from_bytes(ticket, "little")
            yield Result(**json.loads((folder / f"result-{number}.json").read_text(encoding="utf-8")))
    finally:
        os.close(done)
        for pid in workers:
            os.kill(pid, signal.SIGINT)
            os.waitpid(pid, 0)


def _work(
    tickets: int, tell: int, cases: Sequence[Case], folder: Path, seeds: Seeds, seed: int, base: float, keep: bool
) -> None:
    try:
        while ticket := os.read(tickets, TICKET):
            case = cases[int.from_bytes(ticket, "little")]
            place = folder / case.name
            result = run_case(case, place, seeds, seed, base)
            text = json.dumps(asdict(result))
            (folder / f"result-{int.from_bytes(ticket, 'little')}.json").write_text(text, encoding="utf-8")
            if not keep:
                _remove(place)
            os.write(tell, ticket)
    except KeyboardInterrupt:
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _remove(folder: Path) -> None:
    """Remove a folder in which a case may have taken away permissions."""
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o700)
    shutil.rmtree(folder)
