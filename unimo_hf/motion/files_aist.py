# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""AIST++ motions (`.pkl`): SMPL motion of a dancer at 60 fps, in a world with y up, not in metres.

`smpl_poses` (F, 72), `smpl_trans` (F, 3) and `smpl_scaling` (1,): the size of the body in the units of `smpl_trans`,
which are near centimetres. Divided by it, positions are in the metres of an SMPL body (the male one).
"""

from typing import Any

from .errors import MotionError
from .motion import Motion
from .parameters import NUM_SMPL_CHANNELS, check_columns, smpl_to_smplx
from .pickles import as_array
from .request import Request

FPS = 60.0
NAMES = ("smpl_poses", "smpl_trans", "smpl_scaling")


def is_aist(content: Any) -> bool:
    """Say whether the content of a pickle is of this form."""
    return isinstance(content, dict) and {"smpl_poses", "smpl_trans"} <= content.keys()


def read_aist(request: Request, content: dict) -> list[tuple[str, Motion]]:
    """Give the motion, with an empty name; raises `MotionError` where the file is wrong."""
    coordinates, up = request.settle_frame({"world": "y"})
    missing = [name for name in NAMES if name not in content]
    if missing:
        raise MotionError(f"it lacks {', '.join(missing)}, without which smpl_trans has no unit.")
    poses, trans, scaling = (as_array(name, content[name]) for name in NAMES)
    check_columns("smpl_poses", poses, NUM_SMPL_CHANNELS)
    check_columns("smpl_trans", trans, 3)
    if scaling.size != 1 or not scaling.item() > 0:
        raise MotionError(f"smpl_scaling is {scaling.tolist()}; it must be one number above 0.")
    parameters = smpl_to_smplx(poses, trans / scaling.item(), "male")
    fps = request.settle_fps(None, FPS)
    return [("", Motion(**parameters, fps=fps, coordinates=coordinates, up=up))]
