# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Speed of the body: joints and vertices of 1,000 frames, against the smplx package on the same arrays.

Example: python benchmarks/body_speed.py --json body_speed.json
"""

from pathlib import Path

import numpy as np
import torch
from side_by_side import against_limit, arguments, compare, report
from smplx.lbs import lbs

from unimo_hf.motion.body import FREE_BODY, NUM_JOINTS, Body
from unimo_hf.motion.motion import load_collection

ASSETS = Path(__file__).resolve().parents[1] / "assets"
BODIES = {"reduced mesh": FREE_BODY, "full mesh": ASSETS / "body" / "smplx" / "SMPLX_NEUTRAL.npz"}
LIMIT = 1.0  # seconds for 1,000 frames of the reduced mesh


def smplx_forward(body: Body, parameters: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """What smplx.SMPLX computes, without its landmarks: they need a mesh of at least 9,930 vertices."""
    frames = len(parameters["transl"])
    pose = torch.zeros(frames, NUM_JOINTS, 3)
    pose[:, 0] = parameters["global_orient"]
    pose[:, 1:22] = parameters["body_pose"].unflatten(1, (21, 3))
    correctives = body.posedirs
    if correctives is None:
        correctives = torch.zeros((NUM_JOINTS - 1) * 9, body.v_template.numel())
    vertices, joints = lbs(
        parameters["betas"].expand(frames, -1),
        pose.flatten(1),
        body.v_template[None],
        body.shapedirs,
        correctives,
        body.joint_regressor,
        body.parents,
        body.skinning_weights,
    )
    return joints + parameters["transl"][:, None], vertices + parameters["transl"][:, None]


def main() -> None:
    """Measure and report."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--frames", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    motions = [motion for _, motion in load_collection(ASSETS / "motions" / "test")]
    names = motions[0].PARAMETERS
    parameters = {
        name: torch.from_numpy(np.concatenate([getattr(motion, name) for motion in motions])[: options.frames])
        for name in names
    } | {"betas": torch.from_numpy(motions[0].betas)}
    rows = []
    for name, path in BODIES.items():
        body = Body.load(path)
        workload = f"joints and vertices, {options.frames} frames, {name} ({len(body.v_template)} vertices)"

        def ours(body: Body = body) -> tuple[torch.Tensor, torch.Tensor]:
            return body.joints(**parameters), body.vertices(**parameters)

        def peer(body: Body = body) -> tuple[torch.Tensor, torch.Tensor]:
            return smplx_forward(body, parameters)

        for mine, theirs in zip(ours(), peer(), strict=True):
            torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=0)
        rows.append(compare(workload, ours, peer, "smplx.lbs", options.rounds, units=options.frames))
        if path == FREE_BODY:
            limit = LIMIT * options.frames / 1000
            rows.append(against_limit(workload, ours, limit, "the limit (1 s)", options.rounds, options.frames))
    report(rows, options.json)


if __name__ == "__main__":
    main()
