# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motion-X (`.npy`): one array (F, 322) of a motion at 30 fps, in a world with y up.

Columns: root 0:3, body 3:66, hands 66:156 (before the jaw), jaw 156:159, face 159:309, position 309:312, shape
312:322.
"""

from unimo_hf.motion.errors import MotionError
from unimo_hf.motion.npz import read_npy
from unimo_hf.motion.parameters import check_numbers, ten_betas
from unimo_hf.motion.record import MotionRecord
from unimo_hf.motion.request import Request

FPS = 30.0
COLUMNS = 322
HUMANML3D_COLUMNS = 263


def read_motionx(request: Request) -> list[tuple[str, MotionRecord]]:
    """Give the motion, with an empty name; raises `MotionError` where the file is wrong."""
    frames = read_npy(request.path)
    if frames.ndim == 2 and frames.shape[1] == HUMANML3D_COLUMNS:
        raise MotionError(
            "these are HumanML3D features (263 columns): their rotations are not those of SMPL, so no body can be "
            "posed by them (unimo_hf.motion.formats.humanml3d gives their joints); Motion-X has 322 columns."
        )
    check_numbers("the array of Motion-X", frames, ("frames", COLUMNS))
    coordinates, up = request.settle_frame({"world": "y"}, up_is_known=False)
    motion = MotionRecord(
        global_orient=frames[:, :3],
        body_pose=frames[:, 3:66],
        transl=frames[:, 309:312],
        betas=ten_betas(frames[:, 312:], len(frames)),
        fps=request.settle_fps(None, FPS),
        coordinates=coordinates,
        up=up,
    )
    return [("", motion)]
