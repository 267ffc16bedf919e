# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Synthetic clips: a piece of motion capture played on the body, seen by a random camera, drawn into a small video."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from unimo_hf.data import scene
from unimo_hf.data.pose_variation import vary_poses
from unimo_hf.data.upright import stand_up
from unimo_hf.motion.body import NUM_BODY_JOINTS, Body
from unimo_hf.motion.motion import Motion
from unimo_hf.provenance import Provenance
from unimo_hf.video.rasterizer import composite, rasterize, shade

SUPERSAMPLING = 2
MAX_SIZE = 4096  # side of a picture, pixels
LEFT_JOINTS = (1, 4, 7, 10, 13, 16, 18, 20)
RIGHT_JOINTS = (2, 5, 8, 11, 14, 17, 19, 21)
ANKLES_AND_TOES = [7, 8, 10, 11]


@dataclass(frozen=True)
class ClipSettings:
    """What a synthetic clip is like; the defaults are those of `unimo-tiny`.

    Attributes:
        frames (`int`): Frames of a clip; the tokenizer of videos needs 8k + 1.
        fps (`float`): Frames per second of a clip.
        size (`int`): Side of the square picture, pixels, a multiple of 16.
        camera (`str`): `front` (within 60 degrees of the person's front) or `around`.
        mirror (`bool`): Play half of the clips mirrored.
        shape (`float`): Standard deviation of the random betas.
        varied (`float`): Share of clips whose poses are varied beyond the motions (`pose_variation`).
    """

    frames: int = 17
    fps: float = 15.0
    size: int = 128
    camera: str = "around"
    mirror: bool = True
    shape: float = 0.8
    varied: float = 0.0

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"frames is {self.frames}; a clip has at least 1.")
        if not 16 <= self.size <= MAX_SIZE or self.size % 16:
            raise ValueError(f"size is {self.size}; it is a multiple of 16, at most {MAX_SIZE}.")
        if self.camera not in scene.CAMERA_RANGES:
            raise ValueError(f"camera is {self.camera!r}; allowed are {sorted(scene.CAMERA_RANGES)}.")
        if not 0 <= self.varied <= 1:
            raise ValueError(f"varied is {self.varied}; it is a share in [0, 1].")


@dataclass(frozen=True)
class SyntheticClip:
    """A drawn clip and what is true of it.

    Attributes:
        video (`np.ndarray` of shape `(T, S, S, 3)`, uint8): RGB frames.
        motion ([`Motion`]): In the camera frame.
        source (`str`): Name of the motion it was cut from.
        start (`float`): Where the cut begins in the source, seconds.
    """

    video: np.ndarray
    motion: Motion
    source: str
    start: float


class ClipSource:
    """Draws clip number i, always the same for the same seed, in any order and on any number of workers.

    Args:
        motions (`Sequence[tuple[str, Motion]]`): Named motions, in any frame of reference (`stand_up`).
        settings ([`ClipSettings`]): What the clips are like.
        seed (`int`): Seed.
        body ([`Body`], *optional*): Default: the free body.

    Raises:
        ValueError: If no motion is long enough for one clip.
    """

    def __init__(
        self, motions: Sequence[tuple[str, Motion]], settings: ClipSettings, seed: int = 0, body: Body | None = None
    ):
        self.settings, self.seed, self.body = settings, seed, body or Body.load()
        # Source frames a clip frame: motions are kept near their own rate, so that every phase of them is seen.
        self.motions, self.strides = [], []
        for name, motion in motions:
            stride = max(1, round(motion.fps / settings.fps))
            upright = stand_up(motion, self.body)
            self.motions.append((name, upright.resample(stride * settings.fps)))
            self.strides.append(stride)
        starts = [
            max(0, len(motion) - (settings.frames - 1) * stride)
            for (_, motion), stride in zip(self.motions, self.strides, strict=True)
        ]
        if not sum(starts):
            raise ValueError(
                f"None of the {len(starts)} motions lasts {settings.frames} frames at {settings.fps} fps, "
                "the length of one clip."
            )
        self._last_start = np.cumsum(starts)

    def draw(self, index: int) -> SyntheticClip:
        """Draw clip `index`."""
        generator = np.random.default_rng((self.seed, index))
        number, start, parameters = self._play(generator)
        name, motion = self.motions[number]
        world = self._reshape(parameters, generator)
        camera, vertices = self._film(world, generator)
        seen = _change_frame(world, camera, self.body)
        video = self._paint(vertices, seen, camera, generator)
        clip_motion = Motion(
            **{key: value.numpy() for key, value in seen.items() if key != "betas"},
            betas=seen["betas"][0].numpy(),
            fps=self.settings.fps,
            coordinates="camera",
            up="-y",
            provenance=Provenance(
                "rendered", seed=self.seed, source=motion.provenance.kind if motion.provenance else None
            ),
        )
        return SyntheticClip(video, clip_motion, name, start / motion.fps)

    def parameters(self, index: int, coordinates: str = "camera") -> dict[str, torch.Tensor]:
        """SMPL-X parameters `(T, ...)` of a clip, quickly and *not* those of `draw(index)`.

        Args:
            index (`int`): Number of the clip.
            coordinates (`str`, *optional*, defaults to `"camera"`): As a random camera sees it, or in the `world`, y
                up.
        """
        generator = np.random.default_rng((self.seed, index))
        world = self._reshape(self._play(generator)[2], generator)
        if coordinates == "world":
            return world
        joints = self.body.joints(**world)[:, :NUM_BODY_JOINTS].numpy()
        heading = facing(world["global_orient"])
        camera = scene.sample_camera(generator, joints, heading, self.settings.camera, self.settings.size)
        return _change_frame(world, camera, self.body)

    def _play(self, generator: np.random.Generator) -> tuple[int, int, dict[str, torch.Tensor]]:
        """Number of a motion, row where its cut begins, and the cut, its poses varied in some clips."""
        number, start, parameters = self._cut(generator)
        if self.settings.varied and generator.random() < self.settings.varied:
            parameters = vary_poses(parameters, lambda: self._cut(generator)[2], generator)
        return number, start, parameters

    def _cut(self, generator: np.random.Generator) -> tuple[int, int, dict[str, torch.Tensor]]:
        window = generator.integers(self._last_start[-1])
        number = int(np.searchsorted(self._last_start, window, side="right"))
        start = int(window - (self._last_start[number - 1] if number else 0))
        motion = self.motions[number][1]
        rows = slice(start, start + (self.settings.frames - 1) * self.strides[number] + 1, self.strides[number])
        parameters = {
            key: torch.as_tensor(getattr(motion, key)[rows]).clone()
            for key in ("body_pose", "global_orient", "transl")
        }
        if self.settings.mirror and generator.random() < 0.5:
            parameters = mirror(parameters)
        return number, start, parameters

    def _reshape(self, parameters: dict[str, torch.Tensor], generator: np.random.Generator) -> dict[str, torch.Tensor]:
        """Give the person another body: the path scales with the leg, which also keeps the feet on the floor."""
        betas = (
            np.clip(generator.normal(0, self.settings.shape, size=10), -2, 2) if self.settings.shape else np.zeros(10)
        )
        betas = torch.as_tensor(betas, dtype=torch.float32)
        neutral, shaped = self.body.rest(torch.zeros(10)), self.body.rest(betas)
        leg = [joints[1, 1] - joints[7, 1] for joints in (neutral, shaped)]
        pelvis = (parameters["transl"] + neutral[0]) * (leg[1] / leg[0])
        frames = len(pelvis)
        return parameters | {"transl": pelvis - shaped[0], "betas": betas.expand(frames, 10)}

    def _film(self, world: dict[str, torch.Tensor], generator: np.random.Generator) -> tuple[scene.Camera, np.ndarray]:
        vertices = self.body.vertices(**world | {"betas": world["betas"][0]}).numpy()
        heading = facing(world["global_orient"])
        camera = scene.sample_camera(generator, vertices, heading, self.settings.camera, self.settings.size)
        return camera, camera.to_camera(vertices).astype(np.float32)

    def _paint(
        self,
        vertices: np.ndarray,
        seen: dict[str, torch.Tensor],
        camera: scene.Camera,
        generator: np.random.Generator,
    ) -> np.ndarray:
        colours = scene.sample_face_colours(generator, self.body)
        light, ambient = scene.sample_light(generator)
        background, floor = scene.sample_background(generator, camera)
        feet = self.body.joints(**seen)[:, ANKLES_AND_TOES].numpy() @ camera.rotation + camera.position
        strength = generator.uniform(0.1, 0.45)
        fine = SUPERSAMPLING * camera.size
        video = np.empty((len(vertices), camera.size, camera.size, 3), dtype=np.uint8)
        pixels = camera.project(vertices, SUPERSAMPLING)
        for frame in range(len(vertices)):
            nearest = rasterize(pixels[frame], self.body.faces, fine, fine)
            shaded = shade(vertices[frame], self.body.faces, colours, light, ambient)
            room = scene.cast_shadow(background, floor, feet[frame][:, [0, 2]].astype(np.float32), strength)
            video[frame] = composite(nearest, shaded, room, SUPERSAMPLING)
        return video


def facing(global_orient: torch.Tensor) -> float:
    """Direction a person faces in a y-up frame at the middle of a clip, radians about +y from +z."""
    from unimo_hf.model.motion_features import axis_angle_to_matrix

    forward = axis_angle_to_matrix(global_orient[len(global_orient) // 2])[:, 2]
    return float(torch.atan2(forward[0], forward[2]))


def mirror(parameters: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Mirror a motion at the plane x = 0 of a y-up frame: left and right joints change places."""
    pose = parameters["body_pose"].unflatten(-1, (21, 3)).clone()
    left, right = [joint - 1 for joint in LEFT_JOINTS], [joint - 1 for joint in RIGHT_JOINTS]
    pose[:, left + right] = pose[:, right + left]
    flip = torch.tensor((1.0, -1.0, -1.0))
    return parameters | {
        "body_pose": (pose * flip).flatten(-2),
        "global_orient": parameters["global_orient"] * flip,
        "transl": parameters["transl"] * torch.tensor((-1.0, 1.0, 1.0)),
    }


def _change_frame(world: dict[str, torch.Tensor], camera: scene.Camera, body: Body) -> dict[str, torch.Tensor]:
    """World to camera frame; the body turns about its pelvis, so `transl` needs the rest pelvis."""
    from unimo_hf.model.motion_features import axis_angle_to_matrix, matrix_to_axis_angle

    rotation = torch.as_tensor(camera.rotation, dtype=torch.float32)
    pelvis_rest = body.rest_pelvis(world["betas"])
    pelvis = (world["transl"] + pelvis_rest - torch.as_tensor(camera.position, dtype=torch.float32)) @ rotation.T
    return world | {
        "global_orient": matrix_to_axis_angle(rotation @ axis_angle_to_matrix(world["global_orient"])),
        "transl": pelvis - pelvis_rest,
    }
