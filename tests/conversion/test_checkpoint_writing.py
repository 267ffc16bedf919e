# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import errno
import json
import os
import resource
import weakref
from pathlib import Path
from types import SimpleNamespace

import checkpoint_writing
import pytest
import torch
from checkpoint_writing import new_folder, read_weights, total_bytes, write_weights
from cosmos_files import names_in
from safetensors.torch import load_file

TENSORS = {"a": torch.rand(3, 5), "b": torch.rand(7), "c": torch.rand(()), "d": torch.rand(4, 4).T}
SHAPES = {name: tensor.shape for name, tensor in TENSORS.items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_one_file_is_what_safetensors_reads(tmp_path, dtype):
    write_weights(tmp_path, SHAPES, lambda name: TENSORS[name].to(dtype), dtype)
    found = load_file(tmp_path / "model.safetensors")
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], tensor.to(dtype)) for name, tensor in TENSORS.items())
    assert total_bytes(SHAPES, dtype) == sum(tensor.nbytes for tensor in found.values())


def test_shards_have_an_index(tmp_path):
    write_weights(tmp_path, SHAPES, TENSORS.get, torch.float32, max_shard_bytes=64)
    files = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
    assert names_in(tmp_path) == [*files, "model.safetensors.index.json"]
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == {"a": files[0], "b": files[1], "c": files[1], "d": files[2]}
    assert index["metadata"]["total_size"] == 4 * (15 + 7 + 1 + 16)
    assert all(torch.equal(found, TENSORS[name]) for name, found in read_weights(tmp_path).items())


def test_each_weight_may_have_its_own_type(tmp_path):
    tensors = {"flag": torch.tensor([True]), "a": torch.rand(3), "b": torch.rand(5).half(), "count": torch.arange(2)}
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    dtypes = {name: tensor.dtype for name, tensor in tensors.items()}
    write_weights(tmp_path, shapes, tensors.get, dtypes)
    found = load_file(tmp_path / "model.safetensors")
    assert {name: tensor.dtype for name, tensor in found.items()} == dtypes
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert total_bytes(shapes, dtypes) == 1 + 12 + 10 + 16


def test_one_tensor_is_in_memory_at_a_time(tmp_path):
    alive = []

    def make(name):
        assert not any(reference() is not None for reference in alive)
        tensor = torch.rand(SHAPES[name])
        alive.append(weakref.ref(tensor))
        return tensor

    write_weights(tmp_path, SHAPES, make, torch.float32)
    assert len(alive) == len(SHAPES)


def test_another_shape_or_type_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a is torch.float32 of shape \[5, 3\]"):
        write_weights(tmp_path, SHAPES, lambda name: TENSORS[name].T, torch.float32)
    with pytest.raises(ValueError, match=r"torch.bfloat16 of shape \[3, 5\] is needed"):
        write_weights(tmp_path, SHAPES, TENSORS.get, torch.bfloat16)


def test_a_folder_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "out"
    with new_folder(path, 1) as aside:
        (aside / "file").write_text("x")
        assert not path.exists()
        assert aside.parent == path.parent
    assert names_in(path.parent) == ["out"]
    assert names_in(path) == ["file"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o777 & ~mask


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_an_output_that_exists_is_left_alone(tmp_path, kind):
    path = tmp_path / "out"
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere")
    with pytest.raises(FileExistsError, match="out") as error, new_folder(path, 1):
        pytest.fail("the block must not run")
    assert "exists already" in str(error.value)
    assert names_in(tmp_path) == ["out"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    refused = pytest.raises(NotADirectoryError, match=r"file is no folder: .*file/deep/out")
    with refused, new_folder(tmp_path / "file" / "deep" / "out", 1):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == ["file"]


def test_a_folder_without_permission(tmp_path, monkeypatch):
    make = Path.mkdir

    def refuse(folder, *arguments, **options):
        if folder.name.startswith(".out-"):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        make(folder, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError, match="out"), new_folder(tmp_path / "deep" / "out", 1):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == []


def test_too_little_space_is_known_beforehand(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_writing.shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000_000))
    too_little = pytest.raises(OSError, match=r"8\.03 GB are needed and 2\.00 GB are free")
    with too_little as error, new_folder(tmp_path / "deep" / "out", 8_030_000_000):
        pytest.fail("the block must not run")
    assert error.value.errno == errno.ENOSPC
    assert names_in(tmp_path) == []


def write_too_much(path):
    with new_folder(path, 1) as aside:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        write_weights(aside, {"a": (9000,)}, lambda name: torch.zeros(9000), torch.float32)


def test_a_write_that_fails_leaves_nothing(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OSError, match="out"):
            write_too_much(tmp_path / "deep" / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names_in(tmp_path) == []


def interrupted(path):
    with new_folder(path, 1) as aside:
        (aside / "half").write_text("x")
        raise KeyboardInterrupt


def test_an_interruption_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "out")
    assert names_in(tmp_path) == []
