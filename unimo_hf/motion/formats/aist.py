# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""AIST++ motions (`.pkl`): SMPL motion of a dancer at 60 fps, in a world with y up, not in metres.

`smpl_poses` (F, 72), `smpl_trans` (F, 3) and `smpl_scaling` (1,): the size of the body in the units of `smpl_trans`,
which are near centimetres. Divided by it, positions are in the metres of an SMPL body (the male one).
"""

import math
from typing import Any

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.parameters import NUM_SMPL_CHANNELS, check_numbers, one_number, smpl_to_smplx
from unimo_hf.motion.pickles import as_array
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

FPS = 60.0
NAMES = ("smpl_poses", "smpl_trans", "smpl_scaling")


def is_aist(content: Any) -> bool:
    """Say whether the content of a pickle is of this form."""
    return isinstance(content, dict) and {"smpl_poses", "smpl_trans"} <= content.keys()


def read_aist(request: Request, content: dict) -> list[tuple[str, MotionRecord]]:
    """Give the motion, with an empty name; raises `MotionError` where the file is wrong."""
    coordinates, up = request.settle_frame({"world": "y"})
    missing = [name for name in NAMES if name not in content]
    if missing:
        raise MotionError(f"it lacks {', '.join(missing)}, without which smpl_trans has no unit.")
    poses, trans, size = (as_array(name, content[name]) for name in NAMES)
    check_numbers("smpl_poses", poses, ("frames", NUM_SMPL_CHANNELS))
    check_numbers("smpl_trans", trans, (len(poses), 3))
    scaling = one_number("smpl_scaling", size)
    if not 0 < scaling < math.inf:
        raise MotionError(f"smpl_scaling is {scaling}; it must be above 0 and finite.")
    parameters = smpl_to_smplx(poses, trans / scaling, "male")
    fps = request.settle_fps(None, FPS)
    return [("", MotionRecord(**parameters, fps=fps, coordinates=coordinates, up=up))]
