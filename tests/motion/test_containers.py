# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A file is what its content says; a name that says otherwise is an error that names both."""

import pickle

import numpy as np
import pytest
import torch

from unimo_hf.motion import Motion, MotionError, load_collection
from unimo_hf.motion.containers import DESCRIPTIONS, check_container, container_of


@pytest.fixture
def one_of_each(tmp_path):
    motion = Motion(np.zeros((3, 63)), np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(10), fps=30)
    for suffix in (".npz", ".safetensors", ".bvh"):
        motion.save(tmp_path / f"a{suffix}")
    np.save(tmp_path / "a.npy", np.zeros((3, 322)))
    poses = {name: np.zeros((3, columns)) for name, columns in (("smpl_poses", 72), ("smpl_trans", 3))}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(poses | {"smpl_scaling": np.ones(1)}))
    group = {"body_pose": 63, "betas": 10, "global_orient": 3, "transl": 3}
    group = {name: torch.zeros(3, columns) for name, columns in group.items()}
    torch.save({"smpl_params_incam": group, "smpl_params_global": group}, tmp_path / "a.pt")
    return tmp_path


def test_every_format_is_known_by_its_content(one_of_each):
    for suffix in DESCRIPTIONS:
        assert container_of(one_of_each / f"a{suffix}") == suffix
        assert check_container(one_of_each / f"a{suffix}") == suffix
    assert len(load_collection(one_of_each)) == len(DESCRIPTIONS)


@pytest.mark.parametrize("name", DESCRIPTIONS)
@pytest.mark.parametrize("content", DESCRIPTIONS)
def test_a_name_that_lies(one_of_each, name, content):
    path = one_of_each / f"lie{name}"
    path.write_bytes((one_of_each / f"a{content}").read_bytes())
    if name == content:
        assert len(Motion.load(path)) == 3
        return
    with pytest.raises(MotionError, match=rf"lie\{name} .*(not a[n]? |holds )"):
        Motion.load(path)


def test_the_message_says_what_to_do(one_of_each):
    (one_of_each / "lie.npz").write_bytes((one_of_each / "a.pkl").read_bytes())
    with pytest.raises(
        MotionError, match=r"lie\.npz is named \.npz but .* it holds a pickle \(\.pkl\)\. Rename it to lie\.pkl"
    ):
        Motion.load(one_of_each / "lie.npz")


def test_upper_case_names(one_of_each):
    (one_of_each / "A.BVH").write_bytes((one_of_each / "a.bvh").read_bytes())
    assert len(Motion.load(one_of_each / "A.BVH")) == 3


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80", b"{", b"\xff" * 600])
def test_nothing_known(tmp_path, content):
    for suffix in DESCRIPTIONS:
        (tmp_path / f"a{suffix}").write_bytes(content)
        with pytest.raises(MotionError, match=rf"a\{suffix}"):
            Motion.load(tmp_path / f"a{suffix}")
