# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a synthetic clip looks like besides its motion: clothes, skin, light, camera, room; all from one generator."""

from dataclasses import dataclass

import numba
import numpy as np

from unimo_hf.motion.body import Body

# The model's camera: focal length of sqrt(2) times the picture's side (GVHMR's rule, focal = picture diagonal).
FOCAL_PER_SIDE = float(np.sqrt(2))
CAMERA_RANGES = {"front": np.pi / 3, "around": np.pi}  # largest angle between the camera and the person's front

SKIN_TONES = np.array(
    [(0.96, 0.80, 0.69), (0.88, 0.67, 0.53), (0.72, 0.50, 0.36), (0.50, 0.33, 0.23), (0.34, 0.22, 0.16)]
)
HAIR_TONES = np.array(
    [(0.10, 0.08, 0.07), (0.25, 0.16, 0.09), (0.45, 0.30, 0.15), (0.75, 0.60, 0.35), (0.55, 0.55, 0.55)]
)
SHIRT_REGIONS = ("torso", "upper_arm")
TROUSER_REGIONS = ("hips", "thigh")


@dataclass(frozen=True)
class Camera:
    """A static pinhole camera without distortion.

    Attributes:
        rotation (`np.ndarray` of shape `(3, 3)`): World (y up) to camera (OpenCV: x right, y down, z forward).
        position (`np.ndarray` of shape `(3,)`): World, metres.
        size (`int`): Side of the square picture, pixels.
    """

    rotation: np.ndarray
    position: np.ndarray
    size: int

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return FOCAL_PER_SIDE * self.size

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points `(..., 3)` to the camera frame, metres."""
        return (points - self.position) @ self.rotation.T

    def project(self, points: np.ndarray, supersampling: int = 1) -> np.ndarray:
        """Camera-frame points `(..., 3)` to `(..., 3)`: pixel x, pixel y, depth in metres."""
        depth = points[..., 2:]
        plane = self.focal * points[..., :2] / np.maximum(depth, 1e-6) + self.size / 2
        return np.concatenate((plane * supersampling, depth), axis=-1).astype(np.float32)


def sample_camera(
    generator: np.random.Generator, vertices: np.ndarray, heading: float, camera: str, size: int
) -> Camera:
    """Place a camera so that the person stays in the picture during the whole clip.

    Args:
        generator (`np.random.Generator`): Source of randomness.
        vertices (`np.ndarray` of shape `(T, V, 3)`): The body in the world frame, y up, metres.
        heading (`float`): Direction the person faces, radians about +y from +z.
        camera (`str`): `front` (within 60 degrees of the person's front) or `around`.
        size (`int`): Side of the picture, pixels.

    Raises:
        ValueError: If `camera` is unknown.
    """
    if camera not in CAMERA_RANGES:
        raise ValueError(f"camera is {camera!r}; allowed are {sorted(CAMERA_RANGES)}.")
    azimuth = heading + generator.uniform(-1, 1) * CAMERA_RANGES[camera]
    elevation, roll = np.deg2rad((generator.uniform(-5, 25), generator.normal(0, 2)))
    backward = np.array(
        (np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation))
    )  # from the person to the camera
    right = np.cross(-backward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    down = np.cross(-backward, right)
    level = np.stack((right, down, -backward))
    tilt = np.array(((np.cos(roll), np.sin(roll), 0), (-np.sin(roll), np.cos(roll), 0), (0, 0, 1)))
    rotation = tilt @ level

    points = vertices.reshape(-1, 3).T.copy()  # (3, N): numpy is quicker along rows
    centre = (points.min(axis=1) + points.max(axis=1)) / 2
    x, y, z = turned = rotation.astype(points.dtype) @ (points - centre[:, None])
    # Centre the outline, then go back until it fills a share of the half picture.
    shift = np.array(((x.min() + x.max()) / 2, (y.min() + y.max()) / 2, 0))
    turned -= shift[:, None].astype(points.dtype)
    fill = generator.uniform(0.75, 0.97)
    reach = np.maximum(np.abs(x), np.abs(y))
    distance = (2 * FOCAL_PER_SIDE * reach / fill - z).max()
    # As far off the centre as leaves all of the person in the picture.
    slack = float(((distance + z) / (2 * FOCAL_PER_SIDE) - reach).min())
    shift[:2] += generator.uniform(-slack, slack, size=2)
    return Camera(rotation, centre + (shift - (0, 0, distance)) @ rotation, size)


def sample_face_colours(generator: np.random.Generator, body: Body) -> np.ndarray:
    """Dress the body.

    Returns:
        `np.ndarray` of shape `(F, 3)`, float32: A colour in [0, 1] for each face.

    Raises:
        ValueError: If the body has no regions to colour.
    """
    if body.regions is None:
        raise ValueError("The body model has no `region` for its vertices, as the free body has: it can't be dressed.")
    skin, hair = (
        tones[generator.integers(len(tones))] * generator.uniform(0.9, 1.1) for tones in (SKIN_TONES, HAIR_TONES)
    )
    shirt, trousers, shoes = (generator.uniform(0.05, 0.95, size=3) for _ in range(3))
    palette = dict.fromkeys(body.region_names, skin)
    palette |= dict.fromkeys(SHIRT_REGIONS, shirt) | dict.fromkeys(TROUSER_REGIONS, trousers)
    palette |= {"scalp": hair, "foot": shoes, "eye_white": np.full(3, 0.9), "iris": np.full(3, 0.1)}
    palette["forearm"] = shirt if generator.random() < 0.5 else skin
    palette["shin"] = trousers if generator.random() < 0.75 else skin
    colours = np.stack([palette[name] for name in body.region_names])
    # A face takes the region of its first vertex: a hard edge, as between pieces of clothing.
    return np.clip(colours[body.regions[body.faces[:, 0]]], 0, 1).astype(np.float32)


def sample_light(generator: np.random.Generator) -> tuple[np.ndarray, float]:
    """A light direction (unit vector towards the light, camera frame) and the share of ambient light."""
    direction = np.array((generator.uniform(-1, 1), generator.uniform(-1.2, -0.3), generator.uniform(-1.2, -0.4)))
    return (direction / np.linalg.norm(direction)).astype(np.float32), float(generator.uniform(0.35, 0.6))


def sample_background(generator: np.random.Generator, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Draw an empty room.

    Returns:
        `tuple`: the picture `(S, S, 3)`, float32 in [0, 1]; the floor point under each pixel `(S, S, 2)`, float32,
        world x and z in metres, NaN above the horizon.
    """
    centres = (np.arange(camera.size) + 0.5 - camera.size / 2) / camera.focal
    rays = np.stack(np.broadcast_arrays(centres[None, :], centres[:, None], 1.0), axis=-1) @ camera.rotation
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(rays[..., 1] < -1e-3, camera.position[1] / -rays[..., 1], np.nan)
    reach[~((reach > 0) & (reach < 12))] = np.nan
    floor = camera.position[[0, 2]] + rays[..., [0, 2]] * reach[..., None]

    wall_top, wall_bottom, ground, stripe = (_muted_colour(generator) for _ in range(4))
    height = np.linspace(0, 1, camera.size)[:, None, None]
    picture = np.broadcast_to(wall_top + (wall_bottom - wall_top) * height, (camera.size, camera.size, 3)).copy()
    for _ in range(generator.integers(0, 3)):  # furniture and pictures: boxes on the wall, near it in colour
        left, top = generator.integers(0, camera.size, size=2)
        width, tall = generator.integers(camera.size // 10, camera.size // 2, size=2)
        box = picture[top : top + tall, left : left + width]
        box += 0.3 * (_muted_colour(generator) - box)
    tile = generator.uniform(0.4, 1.2)
    odd = (np.floor(np.nan_to_num(floor / tile)).sum(axis=-1) % 2)[..., None]
    contrast = generator.choice((0.0, 0.12))
    tiles = ground + (stripe - ground) * odd * contrast
    return np.where(np.isnan(reach)[..., None], picture, tiles).astype(np.float32), floor.astype(np.float32)


def _muted_colour(generator: np.random.Generator) -> np.ndarray:
    """Walls and floors are greyer than clothes."""
    return np.clip(generator.uniform(0.15, 0.85) + generator.normal(0, 0.1, size=3), 0, 1)


@numba.njit(cache=True, fastmath=False, nogil=True)
def cast_shadow(background: np.ndarray, floor: np.ndarray, feet: np.ndarray, strength: float) -> np.ndarray:
    """Darken the floor round the feet.

    Args:
        background (`np.ndarray` of shape `(S, S, 3)`): Colours in [0, 1].
        floor (`np.ndarray` of shape `(S, S, 2)`): World x, z under each pixel, metres; NaN where there is no floor.
        feet (`np.ndarray` of shape `(N, 2)`): World x, z of points that touch or near the floor.
        strength (`float`): Darkening right under a point, in [0, 1].

    Returns:
        `np.ndarray` of shape `(S, S, 3)`, float32.
    """
    shaded = background.copy()
    for row in range(background.shape[0]):
        for column in range(background.shape[1]):
            x, z = floor[row, column]
            if np.isnan(x):
                continue
            light = 1.0
            for foot in range(feet.shape[0]):
                distance = (x - feet[foot, 0]) ** 2 + (z - feet[foot, 1]) ** 2
                if distance < 0.25:
                    light *= 1 - strength * np.exp(-distance / 0.03)
            if light < 1:
                for channel in range(3):
                    shaded[row, column, channel] *= light
    return shaded
