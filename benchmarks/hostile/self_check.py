# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Prove that the harness can fail: programs with a planted fault, each of which it must find."""

import sys
from pathlib import Path

from hostile.cases import Case, Command, Kind, Place
from hostile.running import HANG_SECONDS, run_case
from hostile.seeds import Seeds

SECONDS = 1.0  # a program that shall be found to hang gets no more
# The fault that must be found (none for the first), and the program.
PLANTED: list[tuple[str | None, str]] = [
    (None, "import sys\nsys.stderr.write('Error: clip.mp4 is empty (0 bytes).\\n')\nsys.exit(1)"),
    (None, "(folder / 'out' / 'clip.npz').write_text('made')"),
    ("traceback", "{}['missing']"),
    ("traceback", "import sys\nsys.exit('KeyError: missing')"),
    ("code run", "import os\nos.system(f'touch {folder}/canary')"),
    ("hang", "import time\ntime.sleep(600)"),
    ("memory", "eaten = b'1' * 1_500_000_000"),
    ("memory", "import os\nif os.fork() == 0:\n    eaten = b'1' * 1_500_000_000\n    os._exit(0)\nos.wait()"),
    ("foreign files", "(folder / 'out' / '.gitlab-ci.yml').unlink()"),
    ("foreign files", "(folder / 'home' / '.bashrc-backup').write_text('else')"),
    ("foreign files", "(folder / 'in' / 'clip.mp4').chmod(0o600)"),
    ("foreign files", "(folder / 'elsewhere' / 'new').mkdir()"),
    ("foreign files", "(folder / 'out' / 'a\\nb.npz').touch()"),
    ("exit code", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"),
    ("exit code", "import sys\nsys.exit(3)"),
    ("words", "import sys\nsys.exit(1)"),
    ("words", "import sys\nsys.stderr.write('Error: one\\nand another\\n')\nsys.exit(1)"),
    ("words", "import sys\nsys.stderr.write('/x/y.py:3: UserWarning: deprecated\\n  warn()\\n')"),
    ("words", "print('\\x1b[31mred')"),
]


def planted(place: Place, variant: tuple[str | None, str]) -> Command:
    """A program with a fault."""
    place.write("clip.mp4", b"").chmod(0o644)
    return Command([variant[1]], program="python")


def check_that_faults_are_found(folder: Path, seeds: Seeds, base: float) -> None:
    """Run the planted faults; raises `SystemExit` that names the first that is not found."""
    kind = Kind("self-check", planted, list(PLANTED))
    for number, (fault, program) in enumerate(PLANTED):
        seconds = SECONDS if fault == "hang" else HANG_SECONDS
        result = run_case(Case(kind, number), folder / str(number), seeds, 0, base, seconds)
        expected = [] if fault is None else [fault]
        if sorted(result.faults) != expected:
            sys.exit(f"The harness is wrong: it found {result.faults}, not {expected}, in:\n{program}")
