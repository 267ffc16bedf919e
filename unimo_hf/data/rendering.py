# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`unimo data render`: motion capture becomes a folder of clips, drawn by several processes."""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from unimo_hf.data.clips import FORMAT_VERSION, LIST
from unimo_hf.data.synthetic import ClipSettings, ClipSource
from unimo_hf.motion.motion import load_collection
from unimo_hf.output_folder import OutputFolder, check_unfinished
from unimo_hf.video.writing import write_video

PRESET = "veryfast"  # of x264; smaller files than those of faster presets, in about the time

_write: list[Callable[[int], dict[str, Any]]] = []  # of a worker process: draws and writes a clip


def render_clips(
    motions: str | Path,
    output: str | Path,
    clips: int = 100,
    seed: int = 0,
    size: int = 128,
    camera: str = "front",
    workers: int | None = None,
    frames: int = 17,
    fps: float = 15.0,
    progress: bool = True,
) -> Path:
    """Draw clips and write them with their motion; the same seed draws the same clips on any number of workers.

    Videos are nearly lossless, each pixel with its own colour (H.264, crf 10, yuv444p): training reads them again.

    Args:
        motions (`str` or `Path`): Motion file or folder of them, in any frame of reference.
        output (`str` or `Path`): Folder for the clips. Clips that an interrupted run left in it are replaced, other
            files stay as they are.
        clips (`int`, *optional*, defaults to 100): How many.
        seed (`int`, *optional*, defaults to 0): Seed.
        size (`int`, *optional*, defaults to 128): Side of the pictures, pixels.
        camera (`str`, *optional*, defaults to `"front"`): `front` (within 60 degrees of the person's front) or
            `around`.
        workers (`int`, *optional*): Processes; default: one a core.
        frames (`int`, *optional*, defaults to 17): Frames of a clip, 8k + 1.
        fps (`float`, *optional*, defaults to 15): Frames per second.
        progress (`bool`, *optional*, defaults to `True`): Show a progress bar.

    Returns:
        `Path`: The list of the clips, written last.

    Raises:
        ValueError: If a setting is not allowed, no motion is long enough, the folder holds clips already, or another
            run is drawing into it.
        OSError: If the folder can't be written.
    """
    if clips < 1:
        raise ValueError(f"clips is {clips}; at least 1 is needed.")
    if frames % 8 != 1:
        raise ValueError(f"frames is {frames}; a video has 8k + 1 frames: 1, 9, 17, ...")
    check_unfinished(output, LIST)
    settings = ClipSettings(frames=frames, fps=fps, size=size, camera=camera, mirror=False)
    source = ClipSource(load_collection(motions), settings, seed)
    rows = []
    with OutputFolder(output, last=LIST) as folder:
        folder.check_free(_files(index)[kind] for index in range(clips) for kind in ("video", "motion"))
        with _drawn_rows(source, folder.workshop, clips, workers or _cores()) as drawn:
            for row in tqdm(drawn, total=clips, desc="drawing", unit="clip", disable=None if progress else True):
                folder.put(row["video"])
                folder.put(row["motion"])
                rows.append(row)
        facts = {"frames": frames, "fps": fps, "size": size, "camera": camera, "seed": seed, "clips": rows}
        text = json.dumps({"format_version": FORMAT_VERSION, **facts}, indent=1)
        (folder.workshop / LIST).write_text(text, encoding="utf-8")
        folder.put(LIST)
    return folder.path / LIST


@contextmanager
def _drawn_rows(source: ClipSource, output: Path, clips: int, workers: int) -> Iterator[Iterator[dict[str, Any]]]:
    """The rows of the list, in order, as the clips are drawn and written."""
    if min(workers, clips) == 1:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # sums in another order would be other pictures
        try:
            yield (_write_clip(source, output, index) for index in range(clips))
        finally:
            torch.set_num_threads(threads)
        return
    # A forked worker need not load the libraries again, which takes as long as drawing a hundred clips.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = context.Pool(min(workers, clips), _start_worker, (source, output, os.getpid()))
    with pool:
        yield pool.imap(_work, range(clips), chunksize=2)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker(source: ClipSource, output: Path, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    torch.set_num_threads(1)  # as many processes as cores already
    _write.append(partial(_write_clip, source, output, parent=parent))


def _work(index: int) -> dict[str, Any]:
    return _write[0](index)


def _write_clip(source: ClipSource, output: Path, index: int, parent: int | None = None) -> dict[str, Any]:
    clip = source.draw(index)
    if parent is not None and os.getppid() != parent:
        raise SystemExit  # the run was killed, and another may have begun to fill the folder
    row = _files(index)
    write_video(
        output / row["video"],
        clip.video,
        clip.motion.fps,
        crf=10,
        pixel_format="yuv444p",
        preset=PRESET,
        threads=1,
        provenance=clip.motion.provenance,
    )
    clip.motion.save(output / row["motion"], fps=clip.motion.fps)
    return {**row, "source": clip.source, "start": round(clip.start, 4)}


def _files(index: int) -> dict[str, Any]:
    name = f"{index:06d}"
    return {"name": name, "video": f"{name}.mp4", "motion": f"{name}.npz"}
