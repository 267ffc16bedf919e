# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""`Motion`: the record of one person's motion that a user holds."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

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
class Motion:
    """The motion of one person in SMPL-X parameters, checked when it is made and unchangeable afterwards.

    The position of the pelvis is `transl + rest_pelvis(betas)`, not `transl` (SMPL-X turns the body about its pelvis).

    Args:
        body_pose (`np.ndarray` of shape `(T, 63)`):
            Rotations of the 21 body joints relative to their parents, axis-angle, radians.
        global_orient (`np.ndarray` of shape `(T, 3)`): Rotation of the pelvis, axis-angle, radians.
        transl (`np.ndarray` of shape `(T, 3)`): Added to every vertex after skinning, metres.
        betas (`np.ndarray` of shape `(10,)`): Shape coefficients of the body.
        fps (`float`): Frames per second, in [0.1, 1000].
        coordinates (`str`, *optional*, defaults to `"camera"`):
            `"camera"`: OpenCV's camera frame, x right, y down, z forward. `"world"`: a frame at rest.
        up (`str`, *optional*):
            The axis that points up: `"y"`, `"-y"` or `"z"`. In the camera frame it is `"-y"`; a world frame has to
            name it.
        gender (`str`, *optional*, defaults to `"neutral"`):
            `"neutral"`, `"male"` or `"female"`: the SMPL-X model whose shape coefficients `betas` are.
        provenance ([`Provenance`], *optional*):
            What says that a model estimated or generated it; kept in all that is made from the motion, files included.
            Default: captured, or nobody said.

    Raises:
        MotionError: If a shape is wrong, a value is not finite, angles can't be radians, there are no frames, `fps` is
            missing or out of range, or the frame of reference or the gender is unknown.

    Example:

    ```python
    >>> motion = Motion.load("walk_stageii.npz")
    >>> motion[:64].resample(30).save("walk.npz")
    ```
    """

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

    # Reading and writing

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        fps: float | None = None,
        coordinates: str | None = None,
        up: str | None = None,
        name: str | None = None,
    ) -> "Motion":
        """Read a motion from a file, or from a folder that holds one.

        Read are: files written by [`Motion.save`]; AMASS (SMPL-X or SMPL-H), BEDLAM and the SMPL-X Blender add-on's
        exports (`.npz`); GVHMR (`.pt`); WHAM, 3DPW, AIST++ and RICH (`.pkl`); Motion-X (`.npy`); BVH (`.bvh`). What a
        file is, its content says. Nothing in a file is ever run. Hands and face are dropped, shapes that change over
        time are averaged, and the shape of an SMPL or SMPL-H body is dropped, since its coefficients mean something
        else. `docs/files.md` says what each format means and what is done about it.

        Args:
            path (`str` or `os.PathLike`): The file or folder.
            fps (`float`, *optional*):
                Where the file does not say it, or says one that can't be; its usual rate is taken if it has one.
            coordinates (`str`, *optional*): `"camera"` or `"world"`, where the file has both; default is the camera.
            up (`str`, *optional*): The axis of a world frame that points up, where the file does not say it.
            name (`str`, *optional*): Which motion, where there are several: of one person, one scene, one clip.

        Returns:
            [`Motion`].

        Raises:
            MotionError: If the file is none of these, is damaged, contradicts the arguments, or holds several motions
                and `name` is none of them; names the file.
            FileNotFoundError: If there is no such file.
        """
        from .files import load_motion

        return load_motion(path, fps=fps, coordinates=coordinates, up=up, name=name)

    def save(
        self, path: str | os.PathLike, fps: float | None = None, unit: str = "cm", body: "Body | None" = None
    ) -> None:
        """Write a file of the form that the suffix says.

        `.npz`: AMASS / SMPL-X names, which the SMPL-X Blender add-on opens. The add-on refuses files below 30 fps and
        plays only multiples of 30 at their true speed. So by default a motion at another rate is written resampled to
        the nearest multiple, and its own frames are kept beside under other names. `.safetensors`: the parameters as
        they are. `.bvh`: a skeleton in the T-pose of the body, in a world with y up, for programs that know no SMPL-X;
        the shape is lost. A [`Provenance`] is written into the file, of a `.bvh` file into `NAME.bvh.provenance.json`
        beside it. [`Motion.load`] gives back what was saved.

        Args:
            path (`str` or `os.PathLike`): A file that ends in one of these; replaced as a whole when it exists.
            fps (`float`, *optional*): Write frames at this rate only.
            unit (`str`, *optional*, defaults to `"cm"`): `"cm"` or `"m"`, of a `.bvh` file; the others are in metres.
            body ([`Body`], *optional*): Whose skeleton a `.bvh` file gets. Default: [`Body.load`].

        Raises:
            MotionError: If `path` has another suffix, `fps` is out of range or `unit` is unknown.
            OSError: If the file can't be written.
        """
        from .files import save_motion

        save_motion(self, path, fps=fps, unit=unit, body=body)

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

    def __getitem__(self, frames: slice) -> "Motion":
        """Part of the motion; a step divides `fps`, so that `motion[::2]` moves at the same speed."""
        if not isinstance(frames, slice):
            raise TypeError(f"A motion is cut with a slice, such as motion[0:16]; found {frames!r}.")
        if frames.step is not None and frames.step < 1:
            raise MotionError(f"The step of the slice is {frames.step}; it must be at least 1.")
        parts = {name: getattr(self, name)[frames] for name in self.PARAMETERS}
        return replace(self, **parts, fps=self.fps / (frames.step or 1))

    def resample(self, fps: float) -> "Motion":
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
    def concatenate(cls, motions: Sequence["Motion"], betas: np.ndarray | None = None) -> "Motion":
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
    ) -> "Motion":
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

    def to_world_up(self, up: str, body: "Body") -> "Motion":
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
