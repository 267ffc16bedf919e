# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Run a case in a child process and judge it: what it printed, took, ran and touched."""

import hashlib
import json
import os
import re
import resource
import runpy
import signal
import stat
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hostile.cases import ESCAPE_CODE, SECRET, Case, Command
from hostile.seeds import REPOSITORY, Seeds

HANG_SECONDS = 30.0
MEMORY_MEGABYTES = 1000.0
# A run that takes so much more than its base is ended: the machine is not its own.
KILL_MEGABYTES = 2500.0
ALLOWED_CODES = (0, 1, 2)
# What must never happen; and what is only ugly.
FAULTS = ("traceback", "code run", "hang", "memory", "foreign files", "exit code")
UGLY = "words"
CLASS_LIKE = re.compile(r"(Error: )?([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|Warning|Interrupt|Exit)\b(:|$)")
# Lines of a failure as the commands word it, remarks of theirs, and their progress bars; others are of libraries.
MESSAGE = re.compile(r"(Error|\w+\.py): \S|usage: |Interrupted\.")
SEVERAL = re.compile(r"(\d+) (of \d+ inputs failed|inputs could not be used):")
BAR = re.compile(r"(?!Loading weights|Writing model|Creating parquet|Generating).*(\d+%\||\d(step|clip|tensor)s?/s)")
NOTE = re.compile(r"Warning: |The checkpoint (carries|has) no statistics|The card names no licence|going on from ")
HASHED_BYTES = 64 * 1024**2


@dataclass
class Result:
    """What became of a case.

    Attributes:
        name (`str`): Of the case.
        arguments (`list[str]`): Program and arguments of the command line.
        code (`int`): Exit code, negative for a signal.
        seconds (`float`): Wall clock.
        megabytes (`float`): Peak of resident memory over that of a harmless run.
        faults (`dict[str, str]`): What was found, by the names in `FAULTS`.
        last_lines (`list[str]`): End of what it printed.
    """

    name: str
    arguments: list[str]
    code: int
    seconds: float
    megabytes: float
    faults: dict[str, str] = field(default_factory=dict)
    last_lines: list[str] = field(default_factory=list)


def run_case(
    case: Case, folder: Path, seeds: Seeds, seed: int, base: float = 0.0, seconds: float = HANG_SECONDS
) -> Result:
    """Make the files of a case in a folder, run its command, and judge it.

    Args:
        case ([`Case`]): The case.
        folder (`Path`): New folder for its files.
        seeds ([`Seeds`]): Good files.
        seed (`int`): Of the run.
        base (`float`, *optional*): Memory of a harmless run, megabytes.
        seconds (`float`, *optional*): A run that takes longer hangs.
    """
    note = folder / "command.json"

    def make() -> None:
        note.write_text(json.dumps(asdict(case.make(folder, seeds, seed))), encoding="utf-8")

    folder.mkdir(parents=True)
    code, _, _ = watch(fork(make, folder / "making.txt"), 300.0, base)
    if code:
        raise RuntimeError(f"{case.name} can't be made:\n{(folder / 'making.txt').read_text(errors='replace')}")
    command = Command(**json.loads(note.read_text(encoding="utf-8")))
    before = snapshot(folder)
    pid = fork(lambda: _become(command, folder), folder / "stdout.txt", folder / "stderr.txt")
    code, taken, peak = watch(pid, seconds, base)
    result = Result(case.name, [command.program, *command.arguments], code, round(taken, 2), max(0.0, peak - base))
    _judge(result, command, folder, seconds, before)
    return result


def fork(work: Callable[[], Any], stdout: Path, stderr: Path | None = None) -> int:
    """Do something in a child process of its own session, and give its id; what it prints goes to files."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        Path("/proc/self/oom_score_adj").write_text("1000")
        for number, path in ((1, stdout), (2, stderr or stdout)):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(handle, number)
            os.close(handle)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # As a shell would give them to a program that it starts.
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
        code = _exit_code(work)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _exit_code(work: Callable[[], Any]) -> int:
    try:
        work()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def watch(pid: int, seconds: float, base: float) -> tuple[int, float, float]:
    """Wait for a child, and end it and what it started when it takes too long or too much.

    Returns:
        `tuple`: Exit code (negative: a signal), seconds, and peak of resident memory in megabytes.
    """
    start = time.monotonic()
    taken, ended = 0.0, False
    try:
        while True:
            done, status, usage = os.wait4(pid, os.WNOHANG)
            taken = time.monotonic() - start
            if done:
                return os.waitstatus_to_exitcode(status), taken, usage.ru_maxrss / 1024
            if not ended and (taken > seconds or _resident(pid) > base + KILL_MEGABYTES):
                ended = True
                _end_group(pid)
            time.sleep(0.005)
    finally:
        _end_group(pid)


def _end_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1024**2


def _become(command: Command, folder: Path) -> None:
    """Be the program: its place, its environment, its arguments."""
    os.chdir(folder / "cwd")
    os.environ |= {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    tempfile.tempdir = None
    if command.program == "unimo":
        from unimo_hf.cli.app import main

        sys.argv = ["unimo", *command.arguments]
        main()
    elif command.program == "python":
        exec(compile(command.arguments[0], "<case>", "exec"), {"__name__": "__main__", "folder": folder})
    else:
        script = REPOSITORY / "conversion" / command.program
        sys.argv = [str(script), *command.arguments]
        sys.path.insert(0, str(script.parent))
        runpy.run_path(str(script), run_name="__main__")


def snapshot(folder: Path) -> dict[str, tuple[Any, ...]]:
    """What is in a folder, by the way to it: kind, mode and content, without following a link."""
    found: dict[str, tuple[Any, ...]] = {}
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name, state = os.path.relpath(entry.path, folder), entry.stat(follow_symlinks=False)
                if entry.is_symlink():
                    found[name] = ("link", os.readlink(entry.path))
                elif entry.is_dir():
                    found[name] = ("folder", state.st_mode)
                    waiting.append(Path(entry.path))
                elif stat.S_ISREG(state.st_mode) and state.st_size <= HASHED_BYTES and os.access(entry.path, os.R_OK):
                    digest = hashlib.sha256(Path(entry.path).read_bytes()).hexdigest()
                    found[name] = ("file", state.st_mode, digest)
                else:
                    found[name] = ("file", state.st_mode, state.st_size, state.st_mtime_ns)
    return found


def _judge(result: Result, command: Command, folder: Path, seconds: float, before: dict[str, tuple[Any, ...]]) -> None:
    out, err = (_text(folder / name) for name in ("stdout.txt", "stderr.txt"))
    lines = [line for line in (out + err).splitlines() if line.strip()]
    result.last_lines = [line[:300] for line in lines[-6:]]
    faults = result.faults
    messages = [line for line in err.splitlines() if line.strip() and not BAR.match(line) and not NOTE.match(line)]
    if "Traceback (most recent call last)" in out + err or (messages and CLASS_LIKE.match(messages[-1])):
        faults["traceback"] = messages[-1][:300] if messages else ""
    if result.seconds > seconds:
        faults["hang"] = f"{result.seconds} s"
    if result.megabytes > MEMORY_MEGABYTES:
        faults["memory"] = f"{result.megabytes:.0f} MB over a harmless run"
    if (folder / "canary").exists():
        faults["code run"] = "a planted command was run"
    touched = _touched(command, folder, before, snapshot(folder))
    if SECRET in out + err:
        touched.append("a file of somebody else was printed")
    if touched:
        faults["foreign files"] = "; ".join(touched[:5])
    killed = "hang" in faults or "memory" in faults
    if result.code not in ((0,) if command.succeeds else ALLOWED_CODES) and not killed:
        faults["exit code"] = str(result.code)
    if not killed and "traceback" not in faults and (ugly := _ugly(result.code, out, err, messages)):
        faults[UGLY] = ugly


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "backslashreplace") if path.exists() else ""


def _touched(
    command: Command, folder: Path, before: dict[str, tuple[Any, ...]], after: dict[str, tuple[Any, ...]]
) -> list[str]:
    """Files that were there and are gone or changed, and new ones where none should be."""
    found = [
        f"{name!r} was {'changed' if name in after else 'removed'}"
        for name, state in before.items()
        if after.get(name) != state and (_is_in(name, command.keeps) or not _is_in(name, command.owns))
    ]
    own = {"stdout.txt", "stderr.txt", "canary"}
    for name in sorted(after.keys() - before.keys() - own):
        if not _is_in(name, [command.writes, "tmp"]):
            found.append(f"{name!r} was made")
        elif command.plain_names and not name.isprintable():
            found.append(f"{name!r} was made, a name with control characters")
        elif after[name][0] == "file" and _holds_secret(folder / name):
            found.append(f"{name!r} was made, with what a link led to")
    return found


def _is_in(name: str, tops: list[str]) -> bool:
    return any(name == top or name.startswith(top + os.sep) for top in tops)


def _holds_secret(path: Path) -> bool:
    return path.stat().st_size < HASHED_BYTES and SECRET.encode() in path.read_bytes()


def _ugly(code: int, out: str, err: str, messages: list[str]) -> str | None:
    """What is wrong with the words, if anything: a failure is one line, a success says nothing of its libraries."""
    if ESCAPE_CODE in out + err:
        return "an escape code of the input was printed"
    if code not in (0, 1):
        return None
    allowed = 0
    for line in messages:
        several = SEVERAL.match(line)
        allowed += 1 + int(several[1]) if several else bool(MESSAGE.match(line))
    if code == 1 and not allowed:
        return "it failed without a line that says why"
    if len(messages) > allowed:
        return f"{len(messages)} lines, {allowed} of them its own: {messages[0][:200]}"
    return None
