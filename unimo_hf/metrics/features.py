# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Features of a motion that FID and diversity compare: kinetic (72) and manual (32), computed in float64.

They are those of AIST++ (arXiv 2101.08779, from fairmotion), taken of SMPL-X joints as in Duolando (arXiv 2403.18811).
Leading dimensions are batch dimensions everywhere.
"""

from collections.abc import Callable

import torch

NUM_JOINTS = 24
# The five first finger joints of SMPL-X: their mean is the hand.
LEFT_HAND = [25, 28, 31, 34, 37]
RIGHT_HAND = [40, 43, 46, 49, 52]
# Both time steps are constants of the original programs, whatever the frame rate of the motion.
KINETIC_STEP, MANUAL_STEP = 1 / 60, 1 / 120
WINDOW = 5  # frames that velocity and acceleration are averaged over
# Lengths of the reference body of the manual features, metres: upper arm, shoulders, hips.
UPPER_ARM, SHOULDERS, HIPS = 0.25684, 0.39085, 0.11925

# Joints that the manual features speak of.
JOINTS = {
    "root": 0,
    "lhip": 1,
    "rhip": 2,
    "belly": 3,
    "lknee": 4,
    "rknee": 5,
    "lankle": 7,
    "rankle": 8,
    "chest": 9,
    "ltoes": 10,
    "rtoes": 11,
    "neck": 12,
    "lshoulder": 16,
    "rshoulder": 17,
    "lelbow": 18,
    "relbow": 19,
    "lwrist": 20,
    "rwrist": 21,
}


def feature_joints(joints: torch.Tensor, centred: bool = True) -> torch.Tensor:
    """Reduce the joints of SMPL-X to the 24 that features are made of.

    Args:
        joints (`torch.Tensor` of shape `(..., T, 55, 3)`): Metres, y up.
        centred (`bool`, *optional*, defaults to `True`): Put the pelvis of frame 0 at the origin.

    Returns:
        `torch.Tensor` of shape `(..., T, 24, 3)`: Metres, float64.

    Raises:
        ValueError: If the shape is wrong.
    """
    if joints.ndim < 3 or joints.shape[-2:] != (55, 3):
        raise ValueError(f"Joints of shape {tuple(joints.shape)}; the shape must be (..., T, 55, 3).")
    joints = joints.double()
    hands = [joints[..., fingers, :].mean(dim=-2, keepdim=True) for fingers in (LEFT_HAND, RIGHT_HAND)]
    reduced = torch.cat((joints[..., :22, :], *hands), dim=-2)
    return reduced - reduced[..., :1, :1, :] if centred else reduced


def kinetic_features(joints: torch.Tensor, exact: bool = False) -> torch.Tensor:
    """Energy of each joint: horizontal, vertical, and expenditure (mean acceleration).

    Args:
        joints (`torch.Tensor` of shape `(..., T, 24, 3)`): Metres, y up; T at least 3.
        exact (`bool`, *optional*, defaults to `False`): Divide the difference of two velocities by time. The original
            divides only one of two positions there, so that its expenditure depends on where the joint is; published
            numbers were computed like that.

    Returns:
        `torch.Tensor` of shape `(..., 72)`, float64: Three numbers a joint.

    Raises:
        ValueError: If the shape is wrong or there are fewer than 3 frames.
    """
    joints = _check(joints)
    velocity = joints.diff(dim=-3) / KINETIC_STEP  # (..., T - 1, 24, 3)
    before, now, after = joints[..., :-2, :, :], joints[..., 1:-1, :, :], joints[..., 2:, :, :]
    last_step = (now - before) / KINETIC_STEP if exact else now - before / KINETIC_STEP
    acceleration = ((after - now) / KINETIC_STEP - last_step) / KINETIC_STEP  # (..., T - 2, 24, 3)
    count = velocity.shape[-3]
    energy = _window_mean(velocity, count).square()
    expenditure = torch.linalg.vector_norm(_window_mean(acceleration, count), dim=-1)
    parts = (energy[..., 0] + energy[..., 2], energy[..., 1], expenditure)
    return torch.stack([part.mean(dim=-2) for part in parts], dim=-1).flatten(-2)


def manual_features(joints: torch.Tensor) -> torch.Tensor:
    """Share of the frames, the first one left out, on which each of 32 statements about the pose holds.

    Args:
        joints (`torch.Tensor` of shape `(..., T, 24, 3)`): Metres, y up; T at least 3.

    Returns:
        `torch.Tensor` of shape `(..., 32)`, float64.

    Raises:
        ValueError: If the shape is wrong or there are fewer than 3 frames.
    """
    statements = _statements(_Pose(_check(joints)))
    return torch.stack([statement.double().mean(dim=-1) for statement in statements], dim=-1)


FEATURES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "kinetic": kinetic_features,
    "manual": manual_features,
}


class _Pose:
    """What is said of named joints, for the frames from the second on; thresholds are metres, m/s or degrees."""

    def __init__(self, joints: torch.Tensor):
        points = {name: joints[..., number, :] for name, number in JOINTS.items()}
        points["zero"] = torch.zeros_like(points["root"])
        points["up"] = torch.zeros_like(points["root"])
        points["up"][..., 1] = 1.0
        points["down"] = -points["up"]
        # The point of the floor below the origin: as low as the lowest joint.
        points["floor"] = points["up"] * joints[..., 1].amin(dim=-1, keepdim=True)
        self.now = {name: path[..., 1:, :] for name, path in points.items()}
        self.before = {name: path[..., :-1, :] for name, path in points.items()}

    def _side(self, start: str, end: str, before: bool = False) -> torch.Tensor:
        points = self.before if before else self.now
        return points[end] - points[start]

    def _normal(self, a: str, b: str, c: str) -> torch.Tensor:
        return torch.linalg.cross(self._side(a, c), self._side(a, b))

    def _speed_along(self, direction: torch.Tensor, start: str, end: str) -> torch.Tensor:
        change = self._side(start, end) - self._side(start, end, before=True)
        return _along(change, direction) / MANUAL_STEP

    def moves_along(self, a: str, b: str, c: str, threshold: float) -> torch.Tensor:
        """C moves, as seen from a, in the direction from a to b."""
        return self._speed_along(self._side(a, b), a, c) > threshold

    def moves_out_of(self, a: str, b: str, c: str, d: str, threshold: float) -> torch.Tensor:
        """D moves, as seen from a, along the normal of the plane a, b, c."""
        return self._speed_along(self._normal(a, b, c), a, d) > threshold

    def beyond_plane(self, a: str, b: str, c: str, point: str, threshold: float) -> torch.Tensor:
        """A point lies in front of the plane a, b, c."""
        return _along(self._side(a, point), self._normal(a, b, c)) > threshold

    def beyond(self, m: str, n: str, a: str, point: str, threshold: float) -> torch.Tensor:
        """A point lies further than a in the direction from m to n."""
        return _along(self._side(a, point), self._side(m, n)) > threshold

    def angle(self, a: str, b: str, c: str, d: str, low: float, high: float) -> torch.Tensor:
        """The angle between a-b and c-d is within limits."""
        first, second = self._side(a, b), self._side(c, d)
        length = torch.linalg.vector_norm(second, dim=-1)
        degrees = torch.rad2deg(torch.acos((_along(second, first) / length).clamp(-1, 1)))
        return (degrees > low) & (degrees < high)

    def fast(self, joint: str, threshold: float) -> torch.Tensor:
        """A joint is faster than this."""
        speed = torch.linalg.vector_norm(self.now[joint] - self.before[joint], dim=-1) / MANUAL_STEP
        return speed > threshold


def _statements(pose: _Pose) -> list[torch.Tensor]:
    """The 32 statements in their order, each `(..., T - 1)`."""
    arm = UPPER_ARM
    return [
        pose.moves_out_of("neck", "rhip", "lhip", "rwrist", 1.8 * arm),
        pose.moves_out_of("neck", "lhip", "rhip", "lwrist", 1.8 * arm),
        *(pose.beyond("chest", "neck", "neck", f"{side}wrist", 0.2 * arm) for side in "rl"),
        # Twice the same: the original is given a wrist here and does not look at it.
        *(pose.moves_along("belly", "chest", "chest", 1.8 * arm) for _ in "rl"),
        *(pose.angle(f"{side}elbow", f"{side}shoulder", f"{side}elbow", f"{side}wrist", 0, 110) for side in "rl"),
        pose.beyond("rshoulder", "lshoulder", "rwrist", "lwrist", 2.5 * SHOULDERS),
        pose.moves_along("lwrist", "rwrist", "rwrist", 1.4 * arm),
        pose.moves_along("rwrist", "root", "lwrist", 1.4 * arm),
        pose.moves_along("lwrist", "root", "rwrist", 1.4 * arm),
        *(pose.fast(f"{side}wrist", 2.5 * arm) for side in "rl"),
        pose.beyond_plane("root", "lhip", "ltoes", "rankle", 0.38 * arm),
        pose.beyond_plane("root", "rhip", "rtoes", "lankle", 0.38 * arm),
        *(pose.beyond("zero", "up", "floor", f"{side}ankle", 1.2 * arm) for side in "rl"),
        pose.beyond("lhip", "rhip", "lankle", "rankle", 2.1 * HIPS),
        *(pose.angle(f"{side}knee", f"{side}hip", f"{side}knee", f"{side}ankle", 0, 110) for side in "rl"),
        *(pose.fast(f"{side}ankle", 2.5 * arm) for side in "rl"),
        *(pose.angle("neck", "root", f"{side}shoulder", f"{side}elbow", 25, 180) for side in "rl"),
        *(pose.angle("neck", "root", f"{side}hip", f"{side}knee", 50, 180) for side in "rl"),
        pose.beyond_plane("rankle", "neck", "lankle", "root", 0.5 * arm),
        pose.angle("neck", "root", "zero", "up", 70, 110),
        *(pose.beyond("zero", "down", "floor", f"{side}wrist", -1.2 * arm) for side in "rl"),
        pose.fast("root", 2.3 * arm),
    ]


def _along(vector: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Length of a vector along a direction; not a number where that is zero, so that no statement holds there."""
    return (vector * direction).sum(dim=-1) / torch.linalg.vector_norm(direction, dim=-1)


def _window_mean(values: torch.Tensor, count: int) -> torch.Tensor:
    """Mean over the values at most two frames away, for `count` frames; `values` may end a frame earlier."""
    frames = values.shape[-3]
    near = (torch.arange(count)[:, None] - torch.arange(frames)).abs() <= WINDOW // 2
    weights = (near.double() / near.sum(dim=1, keepdim=True)).to(values.device)
    return torch.einsum("ts,...sjc->...tjc", weights, values)


def _check(joints: torch.Tensor) -> torch.Tensor:
    if joints.ndim < 3 or joints.shape[-2:] != (NUM_JOINTS, 3) or joints.shape[-3] < 3:
        raise ValueError(
            f"Joints of shape {tuple(joints.shape)}; the shape must be (..., T, {NUM_JOINTS}, 3), T at least 3."
        )
    if not torch.isfinite(joints).all():
        raise ValueError("Joints hold values that are not finite; all must be.")
    return joints.double()
