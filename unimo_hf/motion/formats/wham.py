# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""WHAM's `wham_output.pkl`: SMPL motion of several people, in the camera frame and in a world with y up.

A dict (written by joblib) of people: `pose` (F, 72) and `trans` (F, 3) as the camera sees them, `pose_world` and
`trans_world`, `betas` (F, 10), `frame_ids` (F,). A person who was lost for a while has gaps in `frame_ids`: each part
without one becomes a motion of its own.
"""

from typing import Any

import numpy as np

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.parameters import NUM_SMPL_CHANNELS, check_numbers, part_name, runs_without_gaps, smpl_to_smplx
from unimo_hf.motion.pickles import as_array
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

# The file does not say the rate of the video.
USUAL_FPS = 30.0
KEYS = {"camera": ("pose", "trans"), "world": ("pose_world", "trans_world")}


def is_wham(content: Any) -> bool:
    """Say whether the content of a pickle is of this form."""
    people = list(content.values()) if isinstance(content, dict) else []
    return bool(people) and all(isinstance(person, dict) and set(KEYS["camera"]) <= person.keys() for person in people)


def read_wham(request: Request, content: dict) -> list[tuple[str, MotionRecord]]:
    """Give (person, motion) pairs; raises `MotionError` where the file is wrong."""
    coordinates, up = request.settle_frame({"camera": "-y", "world": "y"})
    pose_key, trans_key = KEYS[coordinates]
    motions = []
    for name, person in content.items():
        if not {pose_key, trans_key} <= person.keys():
            raise MotionError(f"person {name} has no {pose_key} and {trans_key}; found {', '.join(map(str, person))}.")
        poses, trans = as_array(pose_key, person[pose_key]), as_array(trans_key, person[trans_key])
        check_numbers(f"{pose_key} of person {name}", poses, ("frames", NUM_SMPL_CHANNELS))
        check_numbers(f"{trans_key} of person {name}", trans, (len(poses), 3))
        frames = as_array("frame_ids", person["frame_ids"]) if "frame_ids" in person else np.arange(len(poses))
        check_numbers(f"frame_ids of person {name}", frames, (len(poses),))
        parameters = smpl_to_smplx(poses, trans, "neutral")
        parts = runs_without_gaps(frames)
        for part in parts:
            motion = MotionRecord(
                **{key: parameters[key][part] for key in MotionRecord.PARAMETERS},
                betas=parameters["betas"],
                fps=request.settle_fps(None, USUAL_FPS),
                coordinates=coordinates,
                up=up,
            )
            motions.append((part_name(str(name), part, len(parts), frames), motion))
    return motions
