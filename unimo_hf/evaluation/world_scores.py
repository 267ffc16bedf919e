# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Metrics of the path through the world over a set of clips, added up batch by batch."""

import torch

from unimo_hf.metrics import world as metrics_world

from .body_points import BodyPoints
from .scores import Scores

WORLD_UNITS = {
    "wa_mpjpe100": "mm",
    "w_mpjpe100": "mm",
    "rte": "%",
    "jitter": "10 m/s³",
    "true_jitter": "10 m/s³",
    "foot_sliding": "mm",
}


class WorldScores(Scores):
    """Means of WA-MPJPE100, W-MPJPE100, RTE, jitter and foot sliding, of clips whose frame of reference stands still.

    That is a world, or a camera that does not move: all of these align the frames of reference first or do not depend
    on them.
    """

    def __init__(self) -> None:
        super().__init__(WORLD_UNITS)

    def add(self, predicted: BodyPoints, target: BodyPoints, fps: float) -> None:
        """Compare B clips; foot sliding only where the body's feet are known.

        Args:
            predicted ([`BodyPoints`]): What the model says.
            target ([`BodyPoints`]): What is true.
            fps (`float`): Frames per second of both; enters jitter.

        Raises:
            ValueError: If shapes differ or a coordinate is not finite.
        """
        root = (predicted.joints[:, :, 0], target.joints[:, :, 0])
        values = {
            "wa_mpjpe100": metrics_world.wa_mpjpe(predicted.joints, target.joints),
            "w_mpjpe100": metrics_world.w_mpjpe(predicted.joints, target.joints),
            "rte": metrics_world.rte(*root),
            "jitter": metrics_world.jitter(predicted.joints, fps),
            "true_jitter": metrics_world.jitter(target.joints, fps),
        }
        feet = {}
        if predicted.feet is not None and target.feet is not None:
            contacts = metrics_world.foot_contacts(target.feet).flatten(1).sum(dim=1).tolist()
            # Feet may move all the time in one batch and not in the next: `means` warns where they never stood.
            sliding = metrics_world.foot_sliding(predicted.feet, target.feet) if any(contacts) else torch.zeros(0)
            feet = {"foot_sliding": sliding.split(contacts)}
        self.add_values({**values, **feet})

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each metric compares and how: printed next to every number."""
        joints = {"points": "smplx22", "alignment": "", "variant": f"chunks of {metrics_world.CHUNK} frames"}
        threshold = f"contact below {metrics_world.CONTACT_THRESHOLD * 1000:g} mm a frame"
        jitter = {"points": "smplx22", "alignment": "", "variant": "third difference"}
        return {
            "wa_mpjpe100": joints | {"alignment": "similarity of the chunk"},
            "w_mpjpe100": joints | {"alignment": f"similarity of its first {metrics_world.FIRST_FRAMES} frames"},
            "rte": {"points": "pelvis", "alignment": "rigid", "variant": "of the path's length"},
            "jitter": jitter,
            "true_jitter": jitter | {"variant": "third difference of the truth"},
            "foot_sliding": {"points": "toes and heels", "alignment": "", "variant": threshold},
        }
