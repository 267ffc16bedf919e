# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A Python environment with the packages that somebody was told to install, and nothing else of this machine."""

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement


def make_environment(folder: Path, requirements: Iterable[str]) -> Path:
    """Link into a folder what `pip install` of the requirements would bring: the packages and all that they need."""
    folder.mkdir()
    waiting, met = [Requirement(text) for text in requirements], set()
    while waiting:
        requirement = waiting.pop()
        if requirement.name in met or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        met.add(requirement.name)
        distribution = importlib.metadata.distribution(requirement.name)
        assert requirement.specifier.contains(distribution.version, prereleases=True), f"{requirement} is not met"
        waiting += map(Requirement, distribution.requires or [])
        for name in {path.parts[0] for path in distribution.files or ()} - {"..", "__pycache__"}:
            link, target = folder / name, Path(str(distribution.locate_file(name)))
            if not link.exists():
                link.symlink_to(target)
    return folder


def run_as_stranger(packages: Path, code: str, home: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run code in a process that finds only those packages and keeps its caches in `home`.

    `-I` and `-S` keep out the current folder, the user's packages, and those installed on this machine.
    """
    paths = f"import sys; sys.path.append({str(packages)!r})\n"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", paths + code],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "OMP_NUM_THREADS": "1"}
        | environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
