# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Motions of any frame of reference, upright and on a floor: how clips are drawn."""

from dataclasses import replace

from unimo_hf.motion.body import NUM_BODY_JOINTS, Body
from unimo_hf.motion.motion import Motion

FLOOR_TOLERANCE = 0.5  # metres between the floor and the lowest joint: feet slide a little through it, and people jump
ROWS = 50  # of a motion are looked at


def stand_up(motion: Motion, body: Body) -> Motion:
    """Turn a motion into a world with y up, and set it down on y = 0 if its floor is elsewhere.

    What a camera saw is turned as if the camera had been level and stood still.

    Args:
        motion ([`Motion`]): In any frame of reference.
        body ([`Body`]): The body that moves.
    """
    if (motion.coordinates, motion.up) != ("world", "y"):
        motion = motion.to_world_up("y", body)
    some = motion[:: max(1, len(motion) // ROWS)]
    lowest = some.joints(body)[:, :NUM_BODY_JOINTS, 1].min()
    if abs(lowest) <= FLOOR_TOLERANCE:
        return motion
    return replace(motion, transl=motion.transl - (0.0, lowest, 0.0))
