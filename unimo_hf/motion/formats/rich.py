# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""RICH bodies: one `.pkl` for each frame and person, in the names of the `smplx` package.

`<sequence>/<frame>/<subject>.pkl` with `transl` (1, 3), `global_orient` (1, 3), `body_pose` (1, 63), `betas` (1, 10),
hands in 12 PCA components (not read). The frame of reference is that of the camera that the scan belongs to: y points
down within 8 to 18 degrees. The frames of a folder become one motion a person, cut where frames are missing. The
body is SMPL-X of the subject's gender, which the files do not say.
"""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.parameters import check_numbers, part_name, runs_without_gaps, ten_betas
from unimo_hf.motion.pickles import as_array, read_pickle
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

FPS = 30.0
NAMES = (*MotionRecord.PARAMETERS, "betas")
# Subjects whose body is SMPL-X female; those of the other 13 are male.
FEMALE_SUBJECTS = frozenset({9, 10, 12, 13, 16, 17, 18, 19, 21})
NUM_SUBJECTS = 22
# A frame and a subject: `00012/001.pkl`, or `00012_001.pkl`.
FRAME_OF_SUBJECT = re.compile(r"(\d+)[/\\_](\d+)\.pkl")


def is_rich(content: Any) -> bool:
    """Say whether the content of a pickle is of this form."""
    return isinstance(content, dict) and set(NAMES) <= content.keys()


def read_rich(request: Request, content: dict) -> list[tuple[str, MotionRecord]]:
    """Give the motion of one file, a single frame, with an empty name."""
    place = frame_of_subject(request.path)
    return [("", _motion(request, [content], int(place[2]) if place else None))]


def frame_of_subject(path: Path) -> tuple[Path, int, str] | None:
    """Give the folder of the sequence, the frame and the subject that a path of this form means."""
    found = FRAME_OF_SUBJECT.fullmatch(f"{path.parent.name}/{path.name}") or FRAME_OF_SUBJECT.fullmatch(path.name)
    if found is None:
        return None
    return (path.parent if found.group(0) == path.name else path.parent.parent), int(found[1]), found[2]


def rich_sequences(files: Iterable[Path]) -> list[tuple[Path, list[Path]]]:
    """Find those files that are frames of sequences: (folder of the sequence, its files of one person) pairs.

    Any file may have a number for a name: of those of one person, the first that can be read says what they are.
    """
    named: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        if place := frame_of_subject(file):
            named.setdefault((place[0], place[2]), []).append(file)
    return [(folder, frames) for (folder, _), frames in named.items() if _are_rich(frames)]


def _are_rich(files: list[Path]) -> bool:
    """Say whether the first of the files that can be read is a frame."""
    for file in files:
        with contextlib.suppress(MotionError, OSError):  # said where the file is read
            return is_rich(read_pickle(file))
    return False


def read_rich_sequence(request: Request, files: Iterable[Path]) -> list[tuple[str, MotionRecord]]:
    """Give the motions of one person in one sequence.

    Args:
        request ([`Request`]): Its path is the folder of the sequence.
        files (`Iterable[Path]`): The files of the frames, all of one subject.
    """
    placed = sorted((place[1], place[2], path) for path in files if (place := frame_of_subject(path)))
    frames = np.array([frame for frame, _, _ in placed])
    contents = [_frame(path) for _, _, path in placed]
    subject = placed[0][1]
    parts = runs_without_gaps(frames)
    return [
        (part_name(subject, part, len(parts), frames), _motion(request, contents[part], int(subject)))
        for part in parts
    ]


def _frame(path: Path) -> dict:
    content = read_pickle(path)
    if not is_rich(content):
        raise MotionError(f"{path} is no frame of RICH: it must hold {', '.join(NAMES)}.")
    return content


def _motion(request: Request, contents: list[dict], subject: int | None) -> MotionRecord:
    # The frame of a camera at rest: y is as good as down.
    coordinates, up = request.settle_frame({"world": "-y"}, up_is_known=False)
    arrays: dict[str, Any] = {}
    for name in NAMES:
        rows = [np.atleast_2d(as_array(name, content[name])) for content in contents]
        for row in rows:
            check_numbers(name, row, ("frames", MotionRecord.PARAMETERS.get(name, "coefficients")))
        shapes = {row.shape for row in rows}
        if len(shapes) > 1:
            raise MotionError(f"{name} has different shapes in the frames: {sorted(shapes)}.")
        arrays[name] = np.concatenate(rows)
    betas = ten_betas(arrays.pop("betas"), len(arrays["transl"]))
    gender = "neutral"
    if subject is not None and subject < NUM_SUBJECTS:
        gender = "female" if subject in FEMALE_SUBJECTS else "male"
    fps = request.settle_fps(None, FPS)
    return MotionRecord(**arrays, betas=betas, fps=fps, coordinates=coordinates, up=up, gender=gender)
