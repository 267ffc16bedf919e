# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import io
import os
import pickle
import zipfile

import pytest
import torch
from checkpoint_reading import finite, read_tensors, without_prefix
from cosmos_files import golden_tokenizer_weights, write_torchscript
from safetensors.torch import save_file

TENSORS = {"a.weight": torch.arange(6.0).view(2, 3), "b.weight": torch.ones(4, dtype=torch.bfloat16)}


def same(found, expected):
    assert found.keys() == expected.keys()
    for key, tensor in expected.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor)


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        {"model": TENSORS},
        {"model": {**TENSORS, "a._extra_state": io.BytesIO(b"x")}, "iteration": 7},
        {**TENSORS, "a._extra_state": None},
    ],
    ids=["flat", "wrapped", "extra bytes", "extra none"],
)
def test_files_of_torch_save(tmp_path, content):
    torch.save(content, tmp_path / "model.pt")
    same(read_tensors(tmp_path / "model.pt"), TENSORS)


def test_safetensors(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")
    same(read_tensors(tmp_path / "model.safetensors"), TENSORS)


def test_torchscript_gives_its_state_dict(tmp_path):
    tensors = golden_tokenizer_weights("encoder") | {"empty": torch.empty(0), "transposed": torch.rand(3, 2).T}
    path = write_torchscript(tmp_path / "encoder.jit", tensors)
    with pytest.warns(DeprecationWarning, match="torch.jit.load"):
        expected = torch.jit.load(str(path)).state_dict()
    assert expected.keys() == tensors.keys()
    same(read_tensors(path), {key: tensor.detach() for key, tensor in expected.items()})


def test_torchscript_is_not_executed(tmp_path, monkeypatch):
    path = write_torchscript(tmp_path / "a.jit", TENSORS)
    monkeypatch.setattr(torch.jit, "load", None)
    monkeypatch.setattr(torch._C, "import_ir_module", None)
    same(read_tensors(path), TENSORS)


class Malice:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize("kind", ["torch.save", "torchscript"])
def test_code_in_a_file_is_refused_and_never_run(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    if kind == "torch.save":
        torch.save({"a": Malice()}, path)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/constants.pkl", pickle.dumps(()))
            archive.writestr("model/data.pkl", pickle.dumps(Malice(), protocol=2))
    with pytest.raises(ValueError, match=r"model\.pt holds more than tensors and is not read: .*mkdir") as error:
        read_tensors(path)
    assert "weights_only=False" not in str(error.value)
    assert not (tmp_path / "made-by-a-pickle").exists()


@pytest.mark.parametrize("kind", ["model.pt", "model.safetensors", "model.jit"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file(tmp_path, kind, share):
    path = tmp_path / kind
    tensors = {"a": torch.rand(200, 10)}
    if kind == "model.pt":
        torch.save(tensors, path)
    elif kind == "model.jit":
        write_torchscript(path, tensors)
    else:
        save_file(tensors, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ValueError, match="can't be read as a checkpoint; it is truncated") as error:
        read_tensors(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_torchscript_file_with_flipped_bytes(tmp_path):
    path = write_torchscript(tmp_path / "model.jit", {"a": torch.zeros(1000)})
    content = bytearray(path.read_bytes())
    place = content.index(bytes(1000))
    content[place : place + 4] = b"\1\2\3\4"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="truncated, damaged"):
        read_tensors(path)


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="model"):
        read_tensors(tmp_path / "model.pt")
    with pytest.raises(IsADirectoryError):
        read_tensors(tmp_path)
    (tmp_path / "page.pt").write_text("<html>Access to this model is restricted</html>")
    with pytest.raises(ValueError, match=r"page\.pt can't be read"):
        read_tensors(tmp_path / "page.pt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(ValueError, match="list; a dictionary of tensors is needed"):
        read_tensors(tmp_path / "list.pt")
    torch.save({"a": torch.zeros(1), "step": 3}, tmp_path / "step.pt")
    with pytest.raises(ValueError, match="step is int; only tensors are allowed"):
        read_tensors(tmp_path / "step.pt")


def test_a_prefix_goes_only_if_all_keys_have_it():
    assert set(without_prefix({"net.a": 1, "net.b": 2}, "net.")) == {"a", "b"}
    assert set(without_prefix({"net.a": 1, "b": 2}, "net.")) == {"net.a", "b"}


def test_numbers_are_finite_and_fit():
    weights = torch.tensor([1.0, 70000.0])
    assert finite(weights, torch.bfloat16, "a").dtype == torch.bfloat16
    with pytest.raises(ValueError, match=r"model\.pt: a holds 70000, which does not fit into torch\.float16"):
        finite(weights, torch.float16, "model.pt: a")
    with pytest.raises(ValueError, match=r"model\.pt: a holds torch\.int8; weights in floating point"):
        finite(torch.ones(3, dtype=torch.int8), torch.bfloat16, "model.pt: a")
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"model\.pt: a holds 1 numbers that are NaN or infinite"):
            finite(torch.tensor([1.0, wrong]), torch.float32, "model.pt: a")
