# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Checkpoints that are damaged, incomplete, or put together from parts of different models."""

import json
import math
import os
import shutil

import pytest
import torch
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
    "number of motion codes a tick": ("motion_vqvae", {"factors": [1, 6]}),
    "number of frames that a tick of visual codes covers": ("video_fsq", {"temporal_compression": 4}),
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


def change_weights(path, change) -> str:
    """Change the first float weight of a file; gives its name."""
    weights = load_file(path)
    name = next(name for name in sorted(weights) if weights[name].is_floating_point())
    weights[name] = change(weights[name])
    save_file(weights, path, metadata={"format": "pt"})
    return name


@pytest.mark.parametrize("part", ["", "motion_vqvae", "video_fsq"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_no_finite_numbers(folder, part, value):
    name = change_weights(
        folder / part / "model.safetensors",
        lambda weight: weight.flatten().index_fill(0, torch.tensor([weight.numel() // 2]), value).view_as(weight),
    )
    message = error_of(folder)
    assert str(folder / part) in message
    assert f"{name} holds [" in message


def test_weights_of_another_type_or_shape(folder):
    path = folder / "video_fsq" / "model.safetensors"
    name = change_weights(path, lambda weight: weight.long())
    assert f"{name} is stored as I64; ('F64', 'F32', 'F16', 'BF16') are allowed" in error_of(folder)
    path = folder / "motion_vqvae" / "model.safetensors"
    name = change_weights(path, lambda weight: weight.double()[:-1].clone())
    assert f"{name} has the shape (31, 4), and by config.json (32, 4)" in error_of(folder)


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        ("", {"num_hidden_layers": 1_000_000}, "`num_hidden_layers` is 1000000, which makes 1000000 layers"),
        ("", {"num_hidden_layers": 900}, "bytes; by config.json there are 1.46e+07 parameters"),
        ("", {"hidden_size": 999_999_996}, "bytes; by config.json there are"),
        ("motion_vqvae", {"codebook_size": 160_000_000_000}, "`codebook_size` is 160000000000; a whole number from 1"),
        ("motion_vqvae", {"codebook_size": 2_000_000_000}, "bytes; by config.json there are"),
        ("video_fsq", {"channels": 10**9}, "a network of more than 2^63 bytes"),
        ("", {"rms_norm_eps": math.nan}, "`rms_norm_eps` is nan; a finite number above 0 is needed"),
        ("", {"dtype": "nn"}, "`dtype` is 'nn'; a type of torch is needed"),
        (
            "",
            {"attn_implementation": "kernels-community/x"},
            "`attn_implementation` is 'kernels-community/x'; allowed are",
        ),
        ("", {"_attn_implementation": ["sdpa"]}, "`_attn_implementation` is ['sdpa']; allowed are ['eager', 'sdpa'"),
        ("", {"num_labels": 10**9}, "`num_labels` is 1000000000; a whole number from 0 to 1000"),
        ("", {"quantization_config": 5}, "`quantization_config` is 5; an object is needed"),
        ("", {"hidden_act": "loud"}, "`hidden_act` is 'loud'; a UniMoConfig knows 'silu' alone"),
    ],
)
def test_sizes_and_numbers_that_cannot_be(folder, part, changes, message):
    change_json(folder / part / "config.json", **changes)
    found = error_of(folder)
    assert message in found
    assert str(folder / part) in found


def test_weights_in_several_files(folder):
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    names = list(load_file(folder / "model-1.safetensors"))
    index = folder / "model.safetensors.index.json"

    def write(file):
        index.write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(names, file)}))

    write("model-1.safetensors")
    assert UniMoPipeline.from_pretrained(folder).model.config.hidden_size == 48
    write("../damaged/model-1.safetensors")
    assert f"{index}: the file of" in error_of(folder)
    write("model-2.safetensors")
    assert f"{folder / 'model-2.safetensors'} is missing" in error_of(folder)
    index.write_text('{"weight_map": []}')
    assert "has the weight_map []; an object is needed" in error_of(folder)


def test_headers_that_are_too_large_and_files_that_are_none(folder):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes((100 * 2**20).to_bytes(8, "little") + content[8:])
    assert "its header has 104857600 bytes; at most 16777216 are read" in error_of(folder)
    path.unlink()
    os.mkfifo(path)
    assert f"{path} is missing" in error_of(folder)


def test_an_adapter_beside_the_weights(folder):
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere", "peft_type": "LORA"}')
    assert "adapter_config.json names other weights to load" in error_of(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": math.nan}, "`temperature` is nan; a finite number of at least 0.01"),
        ({"temperature": 0}, "`temperature` is 0"),
        ({"top_p": -1}, "`top_p` is -1"),
        ({"top_p": 2}, "`top_p` is 2; a finite number above 0 and of at most 1"),
        ({"top_k": -1}, "`top_k` is -1; a whole number from 0"),
        ({"max_length": "long"}, "`max_length` is 'long'"),
        ({"do_sample": "yes"}, "`do_sample` is 'yes'; true or false"),
        ({"task_options": 5}, "`task_options` is 5; an object with the tasks ['i2vm', 'v2m']"),
        ({"task_options": {"v2v": {}}}, "`task_options` has the task 'v2v'"),
        ({"task_options": {"v2m": [1]}}, "`task_options.v2m` is [1]; an object"),
        ({"task_options": {"v2m": {"topp": 0.5}}}, "`task_options.v2m` has the field 'topp'"),
        ({"task_options": {"v2m": {"top_p": math.nan}}}, "`task_options.v2m.top_p` is nan"),
        ({"task_options": {"v2m": {"mean_codes": 1}}}, "`task_options.v2m.mean_codes` is 1; true or false"),
    ],
)
def test_sampling_that_cannot_be(folder, changes, message):
    change_json(folder / "generation_config.json", **changes)
    assert f"{folder / 'generation_config.json'}: {message}" in error_of(folder)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "processor_config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100 + "1" + "}" * 100, "5", ""])
def test_settings_that_are_no_settings(folder, name, content):
    (folder / name).write_text(content)
    message = error_of(folder)
    assert str(folder / name) in message
    assert "is not a JSON object" in message or "is nested more than 32 deep" in message


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("tokenizer_config.json", {"visual_vocab_size": 10**12}, "visual_vocab_size, whose names"),
        ("tokenizer_config.json", {"num_special_tokens": "many"}, "num_special_tokens, whose names"),
        ("tokenizer_config.json", {"sizes": 10**11}, "sizes is 100000000000; a list is needed"),
        ("tokenizer_config.json", {"sizes": [["visual"]]}, "sizes holds ['visual']"),
        ("processor_config.json", {"size": 2**31 - 16}, "a clip would take"),
        ("processor_config.json", {"size": None}, "`size` is None; a whole number from 1"),
        ("processor_config.json", {"size": -32}, "`size` is -32; a whole number from 1"),
        ("processor_config.json", {"fps": math.nan}, "`fps` is nan"),
        ("processor_config.json", {"frames": "9"}, "`frames` is '9'"),
        ("processor_config.json", {"interleaving": ["eq2"]}, "`interleaving` must be one of"),
    ],
)
def test_a_processor_that_cannot_be(folder, name, changes, message):
    change_json(folder / name, **changes)
    found = error_of(folder)
    assert message in found
    assert str(folder / name) in found
