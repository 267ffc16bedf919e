# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The body against outputs of the smplx package, on a free body in its file layout and on the one that ships."""

import numpy as np
import pytest
import torch

from unimo_hf.motion.body import BODY_MODEL_VARIABLE, BODY_PARENTS, Body

PARAMETERS = ("body_pose", "global_orient", "transl", "betas")


@pytest.fixture(scope="module")
def golden(goldens):
    with np.load(goldens / "motion" / "smplx_forward.npz") as archive:
        return {key: torch.as_tensor(archive[key]) for key in archive.files}


@pytest.fixture(scope="module")
def synthetic(goldens):
    return Body.load(goldens / "motion" / "synthetic_body_smplx.npz")


def random_parameters(frames, one_shape=False):
    generator = torch.Generator().manual_seed(0)
    sizes = {"body_pose": 63, "global_orient": 3, "transl": 3, "betas": 10}
    parameters = {key: torch.randn(frames, size, generator=generator) * 0.5 for key, size in sizes.items()}
    return parameters | ({"betas": parameters["betas"][0]} if one_shape else {})


def test_forward_golden(golden, synthetic):
    parameters = {key: golden[key] for key in PARAMETERS}
    close = {"atol": 1e-5, "rtol": 0}
    torch.testing.assert_close(synthetic.joints(**parameters), golden["exp_body_joints"], **close)
    vertices = synthetic.vertices(**parameters)
    torch.testing.assert_close(vertices[:, golden["vertex_ids"]], golden["exp_body_vertices"], **close)
    torch.testing.assert_close(vertices.mean(dim=1), golden["exp_body_vertex_mean"], **close)
    torch.testing.assert_close(synthetic.rest_pelvis(golden["betas"][0]), golden["exp_pelvis_rest"], **close)


def test_jaw_eyes_and_hands_golden(golden, synthetic, goldens):
    names = ("body_pose", "jaw_pose", "leye_pose", "reye_pose", "left_hand_pose", "right_hand_pose")
    parameters = {key: golden[key] for key in PARAMETERS} | {"body_pose": torch.cat([golden[key] for key in names], 1)}
    close = {"atol": 1e-5, "rtol": 0}
    torch.testing.assert_close(synthetic.joints(**parameters), golden["exp_full_joints"], **close)
    vertices = synthetic.vertices(**parameters)[:, golden["vertex_ids"]]
    torch.testing.assert_close(vertices, golden["exp_full_vertices"], **close)
    # The mean hands of a model file are a pose like any other: they are added to the flat hand.
    with np.load(goldens / "motion" / "synthetic_body_smplx.npz") as model:
        hands = torch.as_tensor(np.concatenate((model["hands_meanl"], model["hands_meanr"])))
    frames = len(golden["body_pose"])
    with_hands = torch.cat((golden["body_pose"], torch.zeros(frames, 9), hands.expand(frames, -1)), dim=1)
    joints = synthetic.joints(**parameters | {"body_pose": with_hands})
    torch.testing.assert_close(joints, golden["exp_meanhand_joints"], **close)


@pytest.mark.parametrize("one_shape", [True, False])
def test_the_free_body_moves_as_smplx_moves_it(assets, one_shape):
    import smplx

    # The full mesh: the package reads vertices by number that the reduced one does not have.
    path, frames = assets / "body" / "smplx" / "SMPLX_NEUTRAL.npz", 5
    parameters = random_parameters(frames, one_shape)
    reference = smplx.create(
        str(path),
        model_type="smplx",
        use_pca=False,
        flat_hand_mean=True,
        num_betas=10,
        batch_size=frames,
    )
    with torch.no_grad():
        output = reference(**{**parameters, "betas": parameters["betas"].expand(frames, 10)})
    body = Body.load(path)
    torch.testing.assert_close(body.vertices(**parameters), output.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(body.joints(**parameters), output.joints[:, :55], atol=1e-5, rtol=0)


def test_joints_and_skin_from_matrices_are_the_same():
    from unimo_hf.model.motion_features import axis_angle_to_matrix

    body, parameters = Body.load(), random_parameters(4)
    pose = torch.cat((parameters["global_orient"], parameters["body_pose"]), dim=1).unflatten(1, (22, 3))
    rotations = axis_angle_to_matrix(pose).requires_grad_()
    places = body.posed_joints(rotations, parameters["betas"], every_vertex=100)
    expected = torch.cat((body.joints(**parameters)[:, :22], body.vertices(**parameters)[:, ::100]), dim=1)
    torch.testing.assert_close(places, expected - parameters["transl"][:, None], atol=1e-5, rtol=0)
    assert torch.equal(body.posed_joints(rotations, parameters["betas"]), places[:, :22])
    places.sum().backward()
    assert rotations.grad.abs().sum() > 0


def test_the_pelvis_is_transl_plus_its_rest_place():
    body, parameters = Body.load(), random_parameters(3)
    pelvis = parameters["transl"] + body.rest_pelvis(parameters["betas"])
    torch.testing.assert_close(body.joints(**parameters)[:, 0], pelvis, atol=1e-5, rtol=0)


def test_what_ships_is_a_person():
    body = Body.load()
    assert tuple(body.parents[:22].tolist()) == BODY_PARENTS
    height = body.v_template[:, 1].max() - body.v_template[:, 1].min()
    assert 1.5 < float(height) < 1.9
    assert len(body.regions) == len(body.v_template)
    assert body.regions.max() < len(body.region_names)
    assert body.faces.max() == len(body.v_template) - 1


def test_faces_look_outwards():
    body = Body.load()
    a, b, c = (body.v_template[body.faces[:, corner]] for corner in range(3))
    normals = torch.linalg.cross(b - a, c - a)
    # The volume that the faces enclose is positive only when they are counter-clockwise seen from outside.
    assert float((normals * a).sum()) / 6 > 0.03


def test_a_body_of_ones_own(goldens, monkeypatch):
    path = goldens / "motion" / "synthetic_body_smplx.npz"
    monkeypatch.setenv(BODY_MODEL_VARIABLE, str(path))
    body = Body.load()
    assert len(body.v_template) == 10475
    assert (body.regions, body.region_names) == (None, [])


def test_files_that_are_no_body(tmp_path):
    with pytest.raises(ValueError, match=r"gone\.npz is not a readable SMPL-X model"):
        Body.load(tmp_path / "gone.npz")
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.npz is not a readable SMPL-X model"):
        Body.load(tmp_path / "text.npz")
    np.savez(tmp_path / "half.npz", v_template=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"half\.npz: The body model lacks the fields \['shapedirs'"):
        Body.load(tmp_path / "half.npz")
    np.savez(tmp_path / "objects.npz", **{key: np.array([{}], dtype=object) for key in Body.REQUIRED})
    with pytest.raises(ValueError, match="without pickled objects"):
        Body.load(tmp_path / "objects.npz")
