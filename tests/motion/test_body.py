# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The body against outputs of the smplx package, on a free body in its file layout and on the one that ships."""

import zipfile

import numpy as np
import pytest
import torch
from motion_files import memory_below

from unimo_hf.motion.body import BODY_MODEL_VARIABLE, BODY_PARENTS, FREE_BODY, Body

PARAMETERS = ("body_pose", "global_orient", "transl", "betas")


@pytest.fixture(scope="module")
def golden(goldens):
    with np.load(goldens / "motion" / "smplx_forward.npz") as archive:
        return {key: torch.as_tensor(archive[key]) for key in archive.files}


@pytest.fixture(scope="module")
def synthetic(goldens):
    return Body.load(goldens / "motion" / "synthetic_body_smplx.npz")


@pytest.fixture(scope="module")
def shipped():
    """The fields of the body that ships."""
    with np.load(FREE_BODY) as archive:
        return dict(archive)


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


def test_objects_beside_the_fields_do_not_matter(tmp_path, shipped):
    """Official files hold some."""
    np.savez(tmp_path / "a.npz", **shipped, part2num=np.array({"head": 15}, dtype=object))
    assert torch.equal(Body.load(tmp_path / "a.npz").v_template, Body.load().v_template)


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
    np.save(tmp_path / "array.npy", np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"array\.npy is not a readable SMPL-X model"):
        Body.load(tmp_path / "array.npy")
    (tmp_path / "cut.npz").write_bytes(FREE_BODY.read_bytes()[:100_000])
    with pytest.raises(ValueError, match=r"cut\.npz is not a readable SMPL-X model .* cut short"):
        Body.load(tmp_path / "cut.npz")


def test_a_header_that_lies(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("v_template.npy", "w") as member:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 3)}
        np.lib.format.write_array_header_1_0(member, header)
    with memory_below(10**7), pytest.raises(ValueError, match=r"a\.npz .* declares shape \(1000000000, 3\)"):
        Body.load(tmp_path / "a.npz")


def changed(array, value, place=0):
    array = array.copy()
    array.flat[place] = value
    return array


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("v_template", lambda array: array.ravel(), r"v_template has shape \(7506,\); it must be \(1 or more, 3\)"),
        ("v_template", lambda array: changed(array, np.nan), "v_template holds 1 of 7506 values that are not finite"),
        ("v_template", lambda array: array.astype(str), "v_template is of type <U32; it must be numbers"),
        ("shapedirs", lambda array: array[..., :5], "shapedirs has 5 shapes; 10 or more are needed"),
        ("shapedirs", lambda array: array[:9], r"shapedirs has shape \(9, 3, 20\); it must be \(2502, 3, 1 or more\)"),
        ("shapedirs", lambda array: changed(array, np.inf), "shapedirs holds 1 of 150120 values"),
        ("posedirs", lambda array: array[..., :207], r"posedirs has shape .* it must be \(2502, 3, 486\)"),
        ("posedirs", lambda array: changed(array, np.nan), "posedirs holds 1 of"),
        ("J_regressor", lambda array: array[:24], r"J_regressor has shape \(24, 2502\); it must be \(55, 2502\)"),
        ("J_regressor", lambda array: changed(array, np.nan), "J_regressor holds 1 of"),
        ("weights", lambda array: array[:-1], r"weights has shape \(2501, 55\); it must be \(2502, 55\)"),
        ("weights", lambda array: changed(array, np.nan), "weights holds 1 of"),
        ("kintree_table", lambda array: array[:, :24], r"kintree_table has shape \(2, 24\); it must be \(2, 55\)"),
        ("kintree_table", lambda array: changed(array, 9, 4), "kintree_table .* those of the body joints must be"),
        ("kintree_table", lambda array: changed(array, 54, 54), "kintree_table .* must stand before their children"),
        ("f", lambda array: changed(array, 2502), "f has faces of the vertices 0 to 2502; allowed are 0 to 2501"),
        ("f", lambda array: array[:0], r"f has shape \(0, 3\); it must be \(1 or more, 3\)"),
        ("region", lambda array: array[:9], r"region has shape \(9,\); it must be \(2502,\)"),
    ],
)
def test_fields_that_do_not_fit(tmp_path, shipped, key, change, message):
    np.savez(tmp_path / "a.npz", **shipped | {key: change(shipped[key])})
    with pytest.raises(ValueError, match=r"a\.npz: " + message):
        Body.load(tmp_path / "a.npz")
