# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Drawn clips: always the same, the person in the picture, and the motion where the person is drawn."""

import numpy as np
import pytest
import torch

from unimo_hf.data import scene
from unimo_hf.data.synthetic import ClipSettings, ClipSource, facing, mirror
from unimo_hf.model.motion_features import axis_angle_to_matrix
from unimo_hf.motion.body import Body
from unimo_hf.motion.motion import load_collection
from unimo_hf.video.rasterizer import NO_FACE, rasterize

SIZE, FRAMES = 64, 9


@pytest.fixture(scope="module")
def motions(assets):
    return load_collection(assets / "motions" / "test")


@pytest.fixture(scope="module", params=["front", "around"])
def source(request, motions):
    return ClipSource(motions, ClipSettings(FRAMES, size=SIZE, camera=request.param), seed=3)


def test_a_clip_is_the_same_in_any_order(motions, source):
    again = ClipSource(motions, source.settings, seed=3)
    later = again.draw(5)
    first, second = source.draw(0), again.draw(0)
    assert np.array_equal(first.video, second.video)
    assert np.array_equal(first.motion.body_pose, second.motion.body_pose)
    assert not np.array_equal(later.video, first.video)
    other = ClipSource(motions, source.settings, seed=4).draw(0)
    assert not np.array_equal(other.video, first.video)


def test_a_clip_is_what_the_settings_say(source):
    clip = source.draw(1)
    assert clip.video.shape == (FRAMES, SIZE, SIZE, 3)
    assert clip.video.dtype == np.uint8
    assert (len(clip.motion), clip.motion.fps, clip.motion.coordinates) == (FRAMES, 15.0, "camera")
    assert clip.source in dict(source.motions)
    assert clip.start >= 0


def project(points):
    """Camera-frame points to pixels, by the model's camera: focal length sqrt(2) sides, centre of the picture."""
    return points[..., :2] / points[..., 2:] * np.sqrt(2) * SIZE + SIZE / 2


def mask_of(vertices, body):
    pixels = np.concatenate((project(vertices), vertices[..., 2:]), axis=-1).astype(np.float32)
    return rasterize(pixels, body.faces, SIZE, SIZE) != NO_FACE


@pytest.mark.parametrize("index", range(6))
def test_the_motion_is_where_the_person_is_drawn(source, index, monkeypatch):
    body = source.body
    # Nothing but the person has a colour: an empty black room, a white body, light from everywhere.
    black, floor = np.zeros((SIZE, SIZE, 3), np.float32), np.full((SIZE, SIZE, 2), np.nan, np.float32)
    monkeypatch.setattr(scene, "sample_background", lambda generator, camera: (black, floor))
    monkeypatch.setattr(scene, "sample_face_colours", lambda *_: np.ones((len(body.faces), 3), np.float32))
    monkeypatch.setattr(scene, "sample_light", lambda generator: (np.array((0, 0, -1), np.float32), 1.0))
    clip = source.draw(index)
    vertices = clip.motion.vertices(body)
    assert vertices[..., 2].min() > 0.5
    for frame in range(FRAMES):
        pixels = project(vertices[frame])
        assert pixels.min() >= 0
        assert pixels.max() <= SIZE
        seen = clip.video[frame, ..., 0] > 127
        rows, columns = np.nonzero(seen)
        box = np.array(((columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)))
        assert np.abs(box - (pixels.min(axis=0), pixels.max(axis=0))).max() < 2.5
        expected = mask_of(vertices[frame], body)
        assert (seen & expected).sum() / (seen | expected).sum() > 0.85


def test_the_person_is_large_enough_to_be_seen(source):
    for index in range(6):
        pixels = project(source.draw(index).motion.vertices(source.body))
        assert np.ptp(pixels, axis=(0, 1)).max() > 0.5 * SIZE


def test_the_camera_stays_on_its_side(motions):
    cosines = {}
    for camera in ("front", "around"):
        source = ClipSource(motions, ClipSettings(FRAMES, size=SIZE, camera=camera), seed=0)
        cosines[camera] = []
        for index in range(40):
            parameters = source.parameters(index)
            middle = FRAMES // 2
            forward = axis_angle_to_matrix(parameters["global_orient"])[middle, :, 2]
            pelvis = parameters["transl"][middle] + source.body.rest_pelvis(parameters["betas"])[middle]
            cosines[camera].append(float(forward @ -pelvis / (forward.norm() * pelvis.norm())))
    # 60 degrees round the upright axis, and some for the camera's height and the person's place in the picture.
    assert min(cosines["front"]) > np.cos(np.deg2rad(80))
    assert min(cosines["around"]) < -0.5
    assert max(cosines["around"]) > 0.5


def test_feet_stay_on_the_floor(motions):
    """The path is scaled with the leg, so that another body neither floats nor sinks."""
    source = ClipSource(motions, ClipSettings(FRAMES, size=SIZE, mirror=False), seed=1)
    lowest = []
    for index in range(30):
        generator = np.random.default_rng((1, index))
        parameters = source._cut(generator)[2]
        neutral = source.body.vertices(**parameters, betas=torch.zeros(10))[..., 1].min()
        shaped = source.body.vertices(**source._reshape(parameters, generator))[..., 1].min()
        lowest.append(float(shaped - neutral))
    assert np.abs(lowest).max() < 0.08
    assert np.abs(np.median(lowest)) < 0.02


def test_mirrored_twice_is_the_motion_and_once_is_its_mirror_image(motions):
    body = Body.load()
    motion = motions[0][1]
    parameters = {key: torch.as_tensor(getattr(motion, key)[:4]) for key in ("body_pose", "global_orient", "transl")}
    mirrored = mirror(parameters)
    for key, value in mirror(mirrored).items():
        torch.testing.assert_close(value, parameters[key])
    joints, image = (body.joints(**moved, betas=torch.zeros(10))[:, :22] for moved in (parameters, mirrored))
    left, right = [1, 4, 7, 10, 13, 16, 18, 20], [2, 5, 8, 11, 14, 17, 19, 21]
    flipped = joints * torch.tensor((-1.0, 1.0, 1.0))
    assert float((image[:, left] - flipped[:, right]).norm(dim=-1).max()) < 0.02  # the body is nearly symmetric
    assert facing(mirrored["global_orient"]) == pytest.approx(-facing(parameters["global_orient"]), abs=1e-5)


def test_bodies_differ_within_reason(motions):
    source = ClipSource(motions, ClipSettings(FRAMES, size=SIZE), seed=0)
    betas = torch.stack([source.parameters(index)["betas"][0] for index in range(40)])
    assert 0.5 < float(betas.std()) < 1.1
    assert float(betas.abs().max()) <= 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frames": 0}, "frames is 0"),
        ({"size": 100}, "size is 100; it is a multiple of 16"),
        ({"camera": "above"}, r"camera is 'above'; allowed are \['around', 'front'\]"),
    ],
)
def test_settings_that_are_not_allowed(settings, message):
    with pytest.raises(ValueError, match=message):
        ClipSettings(**settings)


def test_motions_that_are_too_short(motions):
    short = [(name, motion[:5]) for name, motion in motions[:2]]
    with pytest.raises(ValueError, match=r"None of the 2 motions lasts 17 frames at 15\.0 fps"):
        ClipSource(short, ClipSettings())
