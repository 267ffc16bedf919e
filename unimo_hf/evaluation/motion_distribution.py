# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""FID and diversity of generated motions against real ones, added up batch by batch."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch

from unimo_hf.metrics.distribution import NormalisedFeatures, diversity, frechet_distance, normalise_features
from unimo_hf.metrics.features import FEATURES, feature_joints
from unimo_hf.motion.motion import Motion
from unimo_hf.motion.reference_frames import up_rotation

from .body_points import BodyModel, stack_parameters

# The kinetic pair comes first: the paper's diversity has the size that 72 features give and not 32.
DISTRIBUTION_UNITS = {f"{name}_{kind}": "–" for kind in FEATURES for name in ("fid", "div")}
LEAST_FRAMES = 3


class MotionDistribution:
    """Collects features of generated and of real motions."""

    def __init__(self) -> None:
        self._rows: dict[str, list[torch.Tensor]] = {
            f"{who}.{kind}": [] for who in ("made", "real") for kind in FEATURES
        }

    def add(self, made: Sequence[Motion], real: Sequence[Motion], body: BodyModel) -> None:
        """Add motions of equal length; shorter ones than 3 frames have no features and are left out."""
        for who, motions in (("made", made), ("real", real)):
            if len(motions[0]) < LEAST_FRAMES:
                continue
            joints = upright_joints(motions, body)
            for kind, features in FEATURES.items():
                self._rows[f"{who}.{kind}"].append(features(joints))

    def metrics(self) -> dict[str, float | None]:
        """FID and diversity of the generated motions; `None`, with a warning, where no real motions differ."""
        found: dict[str, float | None] = {}
        for kind, sets in self._normalised().items():
            enough = sets is not None and min(map(len, sets)) > 1
            if not enough:
                warnings.warn(
                    f"There are too few motions, or they are too much alike, for FID and diversity ({kind}).",
                    stacklevel=2,
                )
            found[f"fid_{kind}"] = frechet_distance(*sets) if sets is not None and enough else None
            found[f"div_{kind}"] = diversity(sets.generated) if sets is not None and enough else None
        return found

    def real_metrics(self) -> dict[str, float]:
        """Diversity of the real motions."""
        return {f"div_{kind}": diversity(sets.real) for kind, sets in self._normalised().items() if sets is not None}

    def protocol(self) -> dict[str, dict[str, str]]:
        """What each number compares and how: printed next to it."""
        found: dict[str, dict[str, str]] = {}
        for kind, sets in self._normalised().items():
            if sets is None:
                points, counts = f"{kind} features", "too few motions, or too much alike"
            else:
                kept, count = sets.real.shape[1], self._rows[f"real.{kind}"][0].shape[1]
                points = f"{kept} of {count} {kind} features"
                counts = f"{len(sets.generated)} generated, {len(sets.real)} real"
            how = {"points": points, "alignment": "first pelvis, y up", "variant": counts}
            found |= {f"fid_{kind}": how, f"div_{kind}": how}
        return found

    def _normalised(self) -> dict[str, NormalisedFeatures | None]:
        """Features in units of the real motions, without those that are the same in all real motions."""
        found: dict[str, NormalisedFeatures | None] = {}
        for kind in FEATURES:
            made, real = self._rows[f"made.{kind}"], self._rows[f"real.{kind}"]
            sets = normalise_features(torch.cat(made), torch.cat(real), drop_constant=True) if made and real else None
            # Of a single real motion, or of motions that stand still, nothing is left to compare.
            found[kind] = sets if sets is not None and sets.real.shape[1] else None
        return found


def upright_joints(motions: Sequence[Motion], body: BodyModel) -> torch.Tensor:
    """The 24 joints of B motions that features are made of: `(B, T, 24, 3)`, metres, y up, first pelvis at zero.

    A camera is taken to be level.
    """
    parameters, shape = stack_parameters(motions)
    joints = body.joints(**parameters).double().unflatten(0, shape)
    turn = torch.as_tensor(np.stack([up_rotation(motion.up, "y") for motion in motions]))  # (B, 3, 3)
    return feature_joints(joints @ turn.mT[:, None])
