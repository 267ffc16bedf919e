# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoints that are damaged, incomplete, or put together from parts of different models."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from unimo_hf import (
    MotionVQVAE,
    MotionVQVAEConfig,
    UniMoConfig,
    UniMoForConditionalGeneration,
    UniMoPipeline,
    VideoFSQ,
    VideoFSQConfig,
)
from unimo_hf.pipelines import checkpoint
from unimo_hf.pipelines.checkpoint import check_fit, check_parts, load_processor, locate_network, resolve_checkpoint


@pytest.fixture
def folder(micro_checkpoint, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(micro_checkpoint, tmp_path / "damaged")


def error_of(folder) -> str:
    """What loading says, on one line, the folder named."""
    with pytest.raises(ValueError, match="damaged") as raised:
        UniMoPipeline.from_pretrained(folder)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def change_json(path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    "part",
    [
        "config.json",
        "model.safetensors",
        "processor_config.json",
        "tokenizer_config.json",
        "motion_vqvae/config.json",
        "motion_vqvae/model.safetensors",
        "video_fsq/config.json",
        "video_fsq/model.safetensors",
    ],
)
def test_a_missing_part_is_named(folder, part):
    (folder / part).unlink()
    assert f"{part} is missing" in error_of(folder)


@pytest.mark.parametrize("part", ["", "motion_vqvae", "video_fsq"])
def test_a_missing_folder_is_named(folder, part):
    shutil.rmtree(folder / part)
    with pytest.raises(ValueError, match="damaged"):
        UniMoPipeline.from_pretrained(folder)


@pytest.mark.parametrize("part", ["", "motion_vqvae", "video_fsq"])
def test_another_kind_of_model(folder, part):
    change_json(folder / part / "config.json", model_type="llama")
    message = error_of(folder)
    assert "'llama'" in message
    assert str(folder / part / "config.json") in message


@pytest.mark.parametrize("content", ["", "{", "[1]", '"text"'])
def test_a_configuration_that_is_no_json_object(folder, content):
    (folder / "video_fsq" / "config.json").write_text(content)
    assert "not a JSON object" in error_of(folder)


@pytest.mark.parametrize("part", ["", "motion_vqvae", "video_fsq"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.9])
def test_truncated_weights(folder, part, share):
    path = folder / part / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    message = error_of(folder)
    assert str(folder / part) in message
    assert "can't be loaded" in message


@pytest.mark.parametrize("part", ["", "motion_vqvae", "video_fsq"])
def test_weights_that_are_missing_or_too_many(folder, part):
    path = folder / part / "model.safetensors"
    weights = load_file(path)
    first = sorted(weights)[0]
    save_file({name: weight for name, weight in weights.items() if name != first}, path, metadata={"format": "pt"})
    assert first in error_of(folder)
    save_file(weights | {"another.weight": weights[first].clone()}, path, metadata={"format": "pt"})
    assert "another.weight" in error_of(folder)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("video_fsq", {"a_field_of_tomorrow": 1}),
        ("", {"hidden_size": "wide"}),
        ("", {"intermediate_size": 80}),
        ("motion_vqvae", {"codebook_dim": 6}),
        ("video_fsq", {"channels": 16}),
    ],
)
def test_another_version_of_a_network(folder, part, changes):
    change_json(folder / part / "config.json", **changes)
    message = error_of(folder)
    assert str(folder / part) in message
    assert "can't be loaded" in message


@pytest.mark.parametrize("name", ["tokenizer.json", "processor_config.json", "tokenizer_config.json"])
def test_a_damaged_processor(folder, name):
    (folder / name).write_text('{"cut short')
    assert "damaged" in error_of(folder)


FIT = {
    "number of visual codes": ("video_fsq", {"levels": [4, 4, 5]}),
    "number of motion codes": ("motion_vqvae", {"codebook_size": 16}),
    "motion codes a frame": ("motion_vqvae", {"factors": [1, 6]}),
    "temporal compression": ("video_fsq", {"temporal_compression": 4}),
    "size of a picture": ("video_fsq", {"spatial_compression": 8}),
    "fps": ("motion_vqvae", {"fps": 30.0}),
    "number of frames": ("unimo", {"frames": 17}),
    "interleaving": ("unimo", {"interleaving": "blocked"}),
    "vocabulary": ("unimo", {"num_special_tokens": 16}),
}


@pytest.mark.parametrize(("what", "part", "changes"), [(what, *change) for what, change in FIT.items()], ids=FIT)
def test_parts_of_different_models_are_refused(micro_checkpoint, what, part, changes):
    classes = {"unimo": UniMoConfig, "motion_vqvae": MotionVQVAEConfig, "video_fsq": VideoFSQConfig}
    folders = {name: "" if name == "unimo" else name for name in classes}
    configs = {name: kind.from_pretrained(micro_checkpoint / folders[name]) for name, kind in classes.items()}
    processor = load_processor(micro_checkpoint)
    check_fit("here", **configs, processor=processor)
    for field, value in changes.items():
        setattr(configs[part], field, value)
    with pytest.raises(ValueError, match=f"here were not made for each other: the {what} of"):
        check_fit("here", **configs, processor=processor)


def test_parts_that_do_not_fit_are_refused_where_they_are_loaded(folder):
    change_json(folder / "processor_config.json", fps=30.0)
    assert "the fps of motion_vqvae is 15.0, that of the processor 30.0" in error_of(folder)


@pytest.mark.parametrize("name", ["no-such-model", "./no/such/folder", "a/b/c", ""])
def test_no_such_checkpoint(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"no checkpoint|no whole"):
        resolve_checkpoint(name)


def test_a_repository_that_cannot_be_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"nobody/nothing is no folder here and could not be fetched"):
        resolve_checkpoint("nobody/nothing")


def test_what_ships_is_found_by_its_name(micro_checkpoint, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "EMBEDDED", micro_checkpoint.parent)
    assert resolve_checkpoint(micro_checkpoint.name) == micro_checkpoint
    check_parts(micro_checkpoint)


@pytest.mark.parametrize(
    ("network", "part"), [(UniMoForConditionalGeneration, ""), (MotionVQVAE, "motion_vqvae"), (VideoFSQ, "video_fsq")]
)
def test_a_network_is_found_by_the_name_of_a_checkpoint_and_by_its_own(micro_checkpoint, network, part):
    shipped = resolve_checkpoint("unimo-tiny")
    assert locate_network(network, "unimo-tiny") == str(shipped / part)
    assert locate_network(network, micro_checkpoint) == str(micro_checkpoint / part)
    assert locate_network(network, micro_checkpoint / part) == str(micro_checkpoint / part)
    assert locate_network(network, "me/unimo") == "me/unimo"
