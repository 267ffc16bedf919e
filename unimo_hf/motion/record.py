# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The record of one person's motion in SMPL-X parameters: what a [`Motion`] is without its files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from unimo_hf.provenance import Provenance

from .errors import MotionError
from .reference_frames import UPS, change_frame, up_rotation

if TYPE_CHECKING:
    from .body import Body

COORDINATES = ("camera", "world")
GENDERS = ("neutral", "male", "female")
MIN_FPS, MAX_FPS = 0.1, 1000.0
# Four turns: optimised rotations may pass pi, but only degrees get here.
MAX_ANGLE = 8 * math.pi
NUM_BETAS = 10


@dataclass(frozen=True, eq=False, repr=False)
class MotionRecord:
    """The parameters of a [`Motion`], with its fields and checks, as the formats read and write them."""

    body_pose: np.ndarray
    global_orient: np.ndarray
    transl: np.ndarray
    betas: np.ndarray
    fps: float
    coordinates: str = "camera"
    up: str = ""
    gender: str = "neutral"
    provenance: Provenance | None = None

    PARAMETERS: ClassVar[dict[str, int]] = {"body_pose": 63, "global_orient": 3, "transl": 3}

    def __post_init__(self):
        for name in (*self.PARAMETERS, "betas"):
            object.__setattr__(self, name, _finite_float32(name, getattr(self, name)))
        object.__setattr__(self, "fps", check_fps(self.fps))
        object.__setattr__(self, "up", self.up or ("-y" if self.coordinates == "camera" else ""))
        self._check_shapes()
        self._check_frame_of_reference()
        if self.gender not in GENDERS:
            raise MotionError(f"gender is {self.gender!r}; it must be one of {', '.join(GENDERS)}.")
        if not isinstance(self.provenance, Provenance | None):
            raise MotionError(f"provenance is {type(self.provenance).__name__}; it must be a Provenance, or None.")
        for name in ("body_pose", "global_orient"):
            _check_radians(name, getattr(self, name))

    def _check_shapes(self) -> None:
        for name, channels in self.PARAMETERS.items():
            shape = getattr(self, name).shape
            if len(shape) != 2 or shape[1] != channels:
                raise MotionError(f"{name} has shape {shape}; it must be (frames, {channels}).")
        lengths = {name: len(getattr(self, name)) for name in self.PARAMETERS}
        if len(set(lengths.values())) > 1:
            raise MotionError(f"The numbers of frames differ: {lengths}; they must be the same.")
        if not len(self):
            raise MotionError("The motion has 0 frames; it needs at least 1.")
        if self.betas.shape != (NUM_BETAS,):
            raise MotionError(
                f"betas has shape {self.betas.shape}; it must be ({NUM_BETAS},), one shape for the motion."
            )

    def _check_frame_of_reference(self) -> None:
        if self.coordinates not in COORDINATES:
            raise MotionError(f"coordinates is {self.coordinates!r}; it must be one of {', '.join(COORDINATES)}.")
        if self.coordinates == "camera" and self.up != "-y":
            raise MotionError(f"up is {self.up!r}; in the camera frame (y down) it must be '-y'.")
        if self.up not in UPS:
            raise MotionError(f"up is {self.up!r}; a world frame must name one of {', '.join(UPS)}.")

    def __repr__(self) -> str:
        known = [
            f"{len(self)} frame{'s' if len(self) > 1 else ''}",
            f"{self.fps:g} fps",
            f"{self.duration:.2f} s",
            f"{self.coordinates} ({self.up} up)",
            self.gender,
            *([str(self.provenance)] if self.provenance else []),
        ]
        return f"Motion({', '.join(known)})"

    # The body

    def joints(self, body: "Body") -> np.ndarray:
        """Positions of the 55 SMPL-X joints, the 22 body joints first.

        Args:
            body ([`Body`]): The body that moves.

        Returns:
            `np.ndarray` of shape `(T, 55, 3)`, float32: Metres, in the motion's frame of reference.
        """
        return body.joints(**self._tensors()).numpy()

    def vertices(self, body: "Body") -> np.ndarray:
        """Positions of the vertices of the mesh; slice a long motion first, it takes 12 bytes a vertex and frame.

        Args:
            body ([`Body`]): The body that moves.

        Returns:
            `np.ndarray` of shape `(T, V, 3)`, float32: Metres, in the motion's frame of reference.
        """
        return body.vertices(**self._tensors()).numpy()

    def _tensors(self) -> dict[str, Any]:
        import torch

        return {name: torch.from_numpy(getattr(self, name)) for name in (*self.PARAMETERS, "betas")}

    # Time

    def __len__(self) -> int:
        return len(self.transl)

    @property
    def duration(self) -> float:
        """Seconds that the frames last, the last one included."""
        return len(self) / self.fps

    def __getitem__(self, frames: slice) -> Self:
        """Part of the motion; a step divides `fps`, so that `motion[::2]` moves at the same speed."""
        if not isinstance(frames, slice):
            raise TypeError(f"A motion is cut with a slice, such as motion[0:16]; found {frames!r}.")
        if frames.step is not None and frames.step < 1:
            raise MotionError(f"The step of the slice is {frames.step}; it must be at least 1.")
        parts = {name: getattr(self, name)[frames] for name in self.PARAMETERS}
        return replace(self, **parts, fps=self.fps / (frames.step or 1))

    def resample(self, fps: float) -> Self:
        """Change the frame rate and keep the speed: rotations by slerp, positions linearly, the first frame stays.

        Args:
            fps (`float`): New frames per second.

        Returns:
            [`Motion`]: With floor((T - 1) · fps / self.fps) + 1 frames: nothing is invented after the last one.
        """
        fps = check_fps(fps)
        if fps == self.fps:
            return self
        last = len(self) - 1
        # The small term keeps the last frame where the rates divide and rounding would lose it.
        positions = np.arange(math.floor(last * fps / self.fps + 1e-6) + 1) * (self.fps / fps)
        before = np.minimum(np.floor(positions + 1e-6).astype(np.int64), max(last - 1, 0))
        after = np.minimum(before + 1, last)
        weight = np.clip(positions - before, 0, 1)
        return replace(
            self,
            body_pose=_slerp(self.body_pose[before], self.body_pose[after], weight),
            global_orient=_slerp(self.global_orient[before], self.global_orient[after], weight),
            transl=self.transl[before] + weight[:, None] * (self.transl[after] - self.transl[before]),
            fps=fps,
        )

    @classmethod
    def concatenate(cls, motions: Sequence[Self], betas: np.ndarray | None = None) -> Self:
        """Put motions of one person one after the other.

        Args:
            motions (`Sequence[Motion]`): At least one; of the same fps and frame of reference.
            betas (`np.ndarray` of shape `(10,)`, *optional*): The shape of the whole; needed where the shapes differ.

        Returns:
            [`Motion`]: With the provenance of the parts furthest from a recording, [`Provenance.merge`].

        Raises:
            MotionError: If there is none, or they differ in fps, frame of reference or (without `betas`) shape.
        """
        if not motions:
            raise MotionError("There are 0 motions to concatenate; at least 1 is needed.")
        for name in ("fps", "coordinates", "up"):
            found = sorted({getattr(motion, name) for motion in motions})
            if len(found) > 1:
                raise MotionError(f"The motions differ in {name}: {found}; they must be the same.")
        if betas is None:
            betas = motions[0].betas
            if any(not np.array_equal(motion.betas, betas) for motion in motions):
                raise MotionError("The motions differ in betas; give the shape of the whole as `betas`.")
            if len({motion.gender for motion in motions}) > 1:
                raise MotionError("The motions differ in gender, so their betas do; give the shape of the whole.")
        parts: dict[str, Any] = {
            name: np.concatenate([getattr(motion, name) for motion in motions]) for name in cls.PARAMETERS
        }
        provenance = Provenance.merge(motion.provenance for motion in motions)
        return replace(motions[0], **parts, betas=betas, provenance=provenance)

    # Frames of reference

    def change_frame(
        self,
        rotation: np.ndarray,
        translation: np.ndarray,
        rest_pelvis: np.ndarray,
        coordinates: str,
        up: str = "",
    ) -> Self:
        """Express the motion in another frame of reference, x' = R x + t.

        Since SMPL-X turns the body about its pelvis, `transl` becomes R(transl + J0) + t - J0; turning `transl`
        alone would shift the body by (R - I) J0.

        Args:
            rotation (`np.ndarray` of shape `(3, 3)` or `(T, 3, 3)`): R, acts on column vectors.
            translation (`np.ndarray` of shape `(3,)` or `(T, 3)`): t, metres.
            rest_pelvis (`np.ndarray` of shape `(3,)`): J0, `body.rest_pelvis(betas)`, metres.
            coordinates (`str`): `"camera"` or `"world"`, of the new frame.
            up (`str`, *optional*): The axis that points up in the new frame.

        Returns:
            [`Motion`].

        Raises:
            MotionError: If a shape is wrong or `rotation` is not a rotation.
        """
        global_orient, transl = change_frame(self.global_orient, self.transl, rotation, translation, rest_pelvis)
        return replace(self, global_orient=global_orient, transl=transl, coordinates=coordinates, up=up)

    def to_world_up(self, up: str, body: "Body") -> Self:
        """Turn the motion into a world frame with another axis up; the origin stays.

        Between y and z up: a quarter turn about x. Between y down and y up: a half turn about x, so that somebody who
        faces the camera faces +z. A camera is taken to be level: what it sees becomes upright, not what stands.

        Args:
            up (`str`): `"y"`, `"-y"` or `"z"`.
            body ([`Body`]): The body that moves; its rest pelvis enters.

        Returns:
            [`Motion`]: With `coordinates="world"`.

        Raises:
            MotionError: If `up` is unknown.
        """
        rest_pelvis = np.asarray(body.rest_pelvis(self.betas))
        return self.change_frame(up_rotation(self.up, up), np.zeros(3), rest_pelvis, "world", up)


def check_fps(fps: Any) -> float:
    """Give frames per second as a float; raises `MotionError` where it is missing or out of range."""
    allowed = f"it must be a number from {MIN_FPS:g} to {MAX_FPS:g} frames per second"
    try:
        number = float(fps)
    except (TypeError, ValueError):
        raise MotionError(f"fps is {fps!r}; {allowed}.") from None
    if not MIN_FPS <= number <= MAX_FPS:
        raise MotionError(f"fps is {number}; {allowed}.")
    return number


def _finite_float32(name: str, value: Any) -> np.ndarray:
    """Copy to float32; a copy, so that nobody changes a checked motion from outside."""
    if hasattr(value, "detach"):  # a tensor, on any device
        value = value.detach().cpu()
        value = (value.float() if value.dtype.is_floating_point else value).numpy()
    try:
        given = np.asarray(value)
    except ValueError as error:  # rows of different length
        raise MotionError(f"{name} is not an array: {error}") from None
    if given.dtype.kind not in "fiu":
        raise MotionError(f"{name} holds {given.dtype}; it must hold real numbers.")
    with np.errstate(over="ignore"):
        array = np.array(given, dtype=np.float32, order="C")
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise MotionError(
            f"{name} holds {int(bad.sum())} of {bad.size} values that are NaN, infinite or beyond float32, "
            f"the first at {first}; all must be finite."
        )
    return array


def _check_radians(name: str, rotations: np.ndarray) -> None:
    """Raise `MotionError` where rotations `(T, 3J)` can only be degrees; above pi they mean what they mean below."""
    angles = np.linalg.norm(rotations.reshape(len(rotations), -1, 3), axis=-1)
    if angles.max() > MAX_ANGLE:
        frame, joint = np.unravel_index(angles.argmax(), angles.shape)
        raise MotionError(
            f"{name} holds an angle of {angles.max():.1f} (frame {frame}, joint {joint}); angles are radians, at most "
            f"{MAX_ANGLE:.1f}. Are these degrees?"
        )


def _slerp(before: np.ndarray, after: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Interpolate axis-angle rotations `(T, 3J)` along the shortest arc, frame t by `weight[t]`; in float64."""
    import roma
    import torch

    start, end = (
        roma.rotvec_to_unitquat(torch.from_numpy(part.astype(np.float64).reshape(len(part), -1, 3)))
        for part in (before, after)
    )
    # roma's own slerp forms every pair of weight and rotation; here each frame has its weight: q0 (q0^-1 q1)^w.
    turn = roma.unitquat_to_rotvec(roma.quat_product(roma.quat_conjugation(start), end))
    part_turn = roma.rotvec_to_unitquat(torch.from_numpy(weight)[:, None, None] * turn)
    return roma.unitquat_to_rotvec(roma.quat_product(start, part_turn)).numpy().reshape(before.shape)
