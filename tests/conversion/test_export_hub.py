# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A checkpoint as a Hub repository: what lies there, that strangers can use it, and what is refused."""

import ast
import json
import os
import shutil
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_writing import read_weights
from cosmos_files import names_in
from export_hub import export, main
from huggingface_hub import ModelCard
from remote_code import NETWORKS, flat_modules
from safetensors.torch import load_file, save_file
from strangers_environment import make_environment, run_as_stranger

from unimo_hf import UniMoPipeline
from unimo_hf.model.motion_features import frames_to_parameters

PARTS = ("", "motion_vqvae", "video_fsq")
REQUIREMENTS = ["huggingface_hub", "numpy", "roma", "tokenizers", "torch", "transformers"]
CARD = """---
library_name: unimo_hf
license: cc-by-4.0
license_name: theirs
tags:
- dance
---
# Somebody's model

Be careful.
"""


@pytest.fixture(scope="module")
def exported(micro_checkpoint, tmp_path_factory) -> Path:
    """The micro checkpoint as a repository, in many shards. Do not change it."""
    folder = tmp_path_factory.mktemp("exported") / "unimo-micro"
    main([str(micro_checkpoint), "--output", str(folder), "--max-shard-size", "100KB"])
    return folder


@pytest.fixture
def checkpoint(micro_checkpoint, tmp_path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(micro_checkpoint, tmp_path / "checkpoint")


def change_json(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("part", PARTS)
def test_weights_are_the_same_in_shards(exported, micro_checkpoint, part):
    expected = load_file(micro_checkpoint / part / "model.safetensors")
    found = read_weights(exported / part)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], weight) for name, weight in expected.items())
    assert all(found[name].dtype == weight.dtype for name, weight in expected.items())
    shards = sorted((exported / part).glob("model-*.safetensors"))
    assert len(shards) > 1
    for shard in shards:
        tensors = load_file(shard)
        assert sum(tensor.nbytes for tensor in tensors.values()) <= 100_000 or len(tensors) == 1


def test_code_lies_flat_and_names_no_package(exported):
    modules = {path.stem: ast.parse(path.read_text()) for path in exported.glob("*.py")}
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("unimo_hf") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level <= 1
                assert node.module in modules if node.level else not node.module.startswith("unimo_hf")
    settings = [exported / part / "config.json" for part in PARTS]
    settings += [exported / "processor_config.json", exported / "tokenizer_config.json"]
    autos = set()
    for path in settings:
        for auto, reference in json.loads(path.read_text())["auto_map"].items():
            module, name = (reference[0] if isinstance(reference, list) else reference).split(".")
            assert name in {node.name for node in modules[module].body if isinstance(node, ast.ClassDef)}
            autos.add(auto)
    assert autos == {"AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoProcessor", "AutoTokenizer"}


def test_the_diffusion_decoder_can_come_along_in_the_same_folder():
    modules = flat_modules(NETWORKS.values())
    assert {"modeling_diffusion_decoder.py", "denoiser.py", "modeling_video_fsq.py"} <= modules.keys()
    assert not any(
        "from unimo_hf" in line for text in modules.values() for line in text.splitlines() if ">>>" not in line
    )


def test_what_the_code_needs_is_said(exported, repository):
    requirements = (exported / "requirements.txt").read_text().split()
    assert [line.split(">=")[0] for line in requirements] == REQUIREMENTS
    assert all(f"    {line}\n" in (repository / "setup.cfg").read_text() for line in requirements)
    card = (exported / "README.md").read_text()
    assert all(f"'{line}'" in card for line in requirements)


STRANGER = """
import importlib.util, json
import numpy as np, torch
assert importlib.util.find_spec("unimo_hf") is None
{card}
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained("{name}", trust_remote_code=True)
base = AutoModel.from_pretrained("{name}", trust_remote_code=True)
print(json.dumps({{
    "classes": [type(one).__name__ for one in (processor, model, video_fsq, motion_vqvae, tokenizer, base)],
    "generate_target": target.tolist(),
    "generate": model.generate(**condition, do_sample=False).tolist(),
    "sampled": len(model.generate(**condition, do_sample=True)[0]),
    "motion": motion.flatten().tolist(),
    "transl": parameters["transl"].flatten().tolist(),
    "tokenizer": tokenizer("[T1] <v:17> [STG] <m:3>").input_ids,
}}))
"""


def test_a_stranger_loads_it_and_generates(exported, micro_checkpoint, tmp_path):
    """In an environment that holds what requirements.txt says, by the example of the card."""
    packages = make_environment(tmp_path / "packages", (exported / "requirements.txt").read_text().split())
    card = (exported / "README.md").read_text().split("```python\n")[2].split("```")[0]
    video = "np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)"
    card = card.replace("np.zeros((17, 128, 128, 3), np.uint8)", video)
    code = STRANGER.format(card=card.replace(f'"{exported.name}"', f'"{exported}"'), name=exported)
    result = run_as_stranger(packages, code, tmp_path, HF_HUB_OFFLINE="1")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)

    unimo = UniMoPipeline.from_pretrained(micro_checkpoint)
    frames = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    with torch.no_grad():
        visual_codes = unimo.video_fsq.encode(unimo.processor(videos=[frames])["pixel_values"])
        condition = unimo.processor(visual_codes=visual_codes, task="v2m")
        target = unimo.model.generate_target(condition["input_ids"], sequence=condition["sequence"])
        motion = unimo.motion_vqvae.decode(
            unimo.processor.post_process(target, condition["sequence"])["motion"].flatten(2)
        )
    assert found["classes"] == [
        "UniMoProcessor",
        "UniMoForConditionalGeneration",
        "VideoFSQ",
        "MotionVQVAE",
        "UniMoTokenizer",
        "UniMoModel",
    ]
    assert found["generate_target"] == target.tolist()
    assert found["generate"] == torch.cat([condition["input_ids"], target], dim=1).tolist()
    assert found["sampled"] == len(found["generate"][0])
    assert found["motion"] == pytest.approx(motion.flatten().tolist(), abs=1e-5)
    transl = frames_to_parameters(motion, unimo.motion_vqvae.config.rotation)["transl"]
    assert found["transl"] == pytest.approx(transl.flatten().tolist(), abs=1e-5)
    assert found["tokenizer"] == unimo.processor.tokenizer("[T1] <v:17> [STG] <m:3>").input_ids


def test_the_package_loads_it_too(exported, micro_checkpoint):
    unimo = UniMoPipeline.from_pretrained(exported)
    weights = load_file(micro_checkpoint / "model.safetensors")
    assert all(torch.equal(weight, weights[name]) for name, weight in unimo.model.state_dict().items())
    assert type(unimo.model).__module__ == "unimo_hf.model.modeling_unimo"


def test_a_card_without_metadata_gets_all_of_it(exported, checkpoint, tmp_path, capsys):
    data = ModelCard.load(exported / "README.md").data
    assert (data.library_name, data.pipeline_tag, data.license) == ("transformers", "video-to-video", "unknown")
    assert {"human-motion", "custom_code"} <= set(data.tags)
    assert data.base_model is None
    (checkpoint / "README.md").write_text("# A card without metadata\n")
    arguments = ["--license", "apache-2.0", "--base-model", "me/base", "--base-model", "me/other"]
    main([str(checkpoint), "--output", str(tmp_path / "out"), *arguments])
    assert capsys.readouterr().err.count("unknown") == 0
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert (card.data.license, card.data.base_model) == ("apache-2.0", ["me/base", "me/other"])
    assert "# A card without metadata" in card.text


def test_what_a_card_says_stays(checkpoint, tmp_path):
    (checkpoint / "README.md").write_text(CARD)
    export(checkpoint, tmp_path / "out", repository="me/dance")
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert (card.data.license, card.data.license_name) == ("cc-by-4.0", "theirs")
    assert card.data.library_name == "transformers"
    assert card.data.tags[0] == "dance"
    assert "human-motion" in card.data.tags
    assert "Be careful." in card.text
    assert 'AutoModelForCausalLM.from_pretrained("me/dance"' in card.text


def test_a_missing_licence_is_remarked(checkpoint, tmp_path, capsys):
    export(checkpoint, tmp_path / "out")
    assert "names no licence" in capsys.readouterr().err


def test_an_export_can_be_exported(exported, tmp_path):
    export(exported, tmp_path / exported.name)
    again = tmp_path / exported.name
    shards = {"model.safetensors", "model.safetensors.index.json"}
    expected = {name for name in names_in(exported) if not name.startswith("model-")}
    assert {*names_in(again)} - shards == expected - shards
    for name in expected - shards:
        if (exported / name).is_file():
            assert (again / name).read_bytes() == (exported / name).read_bytes()


def test_only_what_belongs_to_a_checkpoint_comes_along(checkpoint, tmp_path):
    for name in ("log.jsonl", "checkpoints/step_1/optimizer.bin", "examples/clip.mp4", "LICENSE", "secrets.py"):
        (checkpoint / name).parent.mkdir(parents=True, exist_ok=True)
        (checkpoint / name).write_bytes(b"content")
    export(checkpoint, tmp_path / "out")
    names = names_in(tmp_path / "out")
    assert {"LICENSE", "examples"} <= set(names)
    assert not {"log.jsonl", "checkpoints", "secrets.py"} & set(names)
    assert (tmp_path / "out" / "examples" / "clip.mp4").read_bytes() == b"content"


@pytest.mark.parametrize("link", ["LICENSE", "examples/x", "config.json", "README.md", "video_fsq/model.safetensors"])
def test_a_link_out_of_the_checkpoint_is_one_line(checkpoint, tmp_path, link):
    secret = tmp_path / "id_rsa"
    secret.write_text("secret")
    (checkpoint / "examples").mkdir()
    (checkpoint / link).unlink(missing_ok=True)
    (checkpoint / link).symlink_to(secret)
    message = ends(checkpoint, "--output", tmp_path / "out")
    assert f"{checkpoint / link} is a link to {secret}, outside of {checkpoint}" in message
    assert "\n" not in message
    assert not (tmp_path / "out").exists()


def test_a_part_that_lies_elsewhere_is_refused(checkpoint, tmp_path):
    (checkpoint / "video_fsq").rename(tmp_path / "video_fsq")
    (checkpoint / "video_fsq").symlink_to(tmp_path / "video_fsq")
    with pytest.raises(ValueError, match="checkpoint/video_fsq is a link to"):
        export(checkpoint, tmp_path / "out")


def test_what_stays_behind_may_lead_anywhere(checkpoint, tmp_path):
    (checkpoint / "log.jsonl").symlink_to("/etc/passwd")
    export(checkpoint, tmp_path / "out")
    assert not (tmp_path / "out" / "log.jsonl").exists()


def test_a_pipe_does_not_stop_it(checkpoint, tmp_path):
    (checkpoint / "config.json").unlink()
    os.mkfifo(checkpoint / "config.json")
    assert "config.json is no ordinary file" in ends(checkpoint, "--output", tmp_path / "out")


def test_a_snapshot_in_the_cache_of_the_hub(micro_checkpoint, tmp_path):
    snapshot = tmp_path / "models--me--micro" / "snapshots" / "0123abcd"
    for file in (file for file in micro_checkpoint.rglob("*") if file.is_file()):
        link, blob = snapshot / file.relative_to(micro_checkpoint), tmp_path / "models--me--micro" / "blobs"
        link.parent.mkdir(parents=True, exist_ok=True)
        blob.mkdir(exist_ok=True)
        name = link.relative_to(snapshot).as_posix().replace("/", "-")
        shutil.copyfile(file, blob / name)
        link.symlink_to(os.path.relpath(blob / name, link.parent))
    export(snapshot, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_symlink()]
    assert UniMoPipeline.from_pretrained(tmp_path / "out").frames == 9


def test_what_a_name_would_tell_the_terminal_is_written_out(tmp_path):
    assert r"gone\x1b[2J" in ends(tmp_path / "gone\x1b[2J", "--output", tmp_path / "out")


def test_everything_written_can_be_read_by_others(exported):
    mask = 0o777 & ~stat.S_IMODE(exported.stat().st_mode)
    assert {stat.S_IMODE(file.stat().st_mode) for file in exported.rglob("*") if file.is_file()} == {0o666 & ~mask}


def test_generation_settings(exported, checkpoint, tmp_path):
    settings = json.loads((exported / "generation_config.json").read_text())
    assert settings["task_options"] == {"v2m": {"do_sample": False}}
    (checkpoint / "generation_config.json").unlink()
    export(checkpoint, tmp_path / "out")
    settings = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    # Without a top-k of 0 transformers would take 50.
    assert (settings["do_sample"], settings["top_p"], settings["top_k"]) == (True, 0.8, 0)


def spoil_weights(path: Path, **changes) -> None:
    weights = {**load_file(path), **changes}
    save_file({name: weight for name, weight in weights.items() if weight is not None}, path)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def point_outside(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "model-elsewhere.safetensors")
    shutil.copyfile(folder.parent / "model-elsewhere.safetensors", folder / "model-1.safetensors")
    index = {"weight_map": {"model.norm.weight": "../model-elsewhere.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


NORM = "model.norm.weight"
BAD = {
    "no motion tokenizer": (lambda folder: shutil.rmtree(folder / "motion_vqvae"), "motion_vqvae/config.json is mis"),
    "no tokenizer table": (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
    "cut short": (lambda folder: truncate(folder / "model.safetensors"), "checkpoint/model.safetensors"),
    "no JSON": (lambda folder: (folder / "config.json").write_text("{"), "config.json is not a JSON object"),
    "wrong setting": (lambda folder: change_json(folder / "config.json", head_dim="two"), "checkpoint/config.json is"),
    "deep sampling": (
        lambda folder: (folder / "generation_config.json").write_text('{"top_p": ' + "[" * 100_000),
        "generation_config.json is nested more than 32 deep",
    ),
    "wrong sampling": (lambda folder: (folder / "generation_config.json").write_text("{"), "generation_config.json"),
    "damaged card": (lambda folder: (folder / "README.md").write_text("---\n{\n---\n"), "checkpoint/README.md"),
    "damaged tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("{"),
        "checkpoint/tokenizer.json is not a JSON",
    ),
    "other fps": (lambda folder: change_json(folder / "processor_config.json", fps=30.0), "fps of motion_vqvae is 15"),
    "NaN": (
        lambda folder: spoil_weights(folder / "model.safetensors", **{NORM: torch.full((48,), torch.nan)}),
        f"checkpoint: {NORM} holds 48 numbers that are NaN",
    ),
    "infinite": (
        lambda folder: spoil_weights(folder / "motion_vqvae/model.safetensors", mean=torch.full((145,), torch.inf)),
        "motion_vqvae: mean holds 145 numbers",
    ),
    "missing weight": (
        lambda folder: spoil_weights(folder / "model.safetensors", **{NORM: None}),
        f"nothing fills:\n  {NORM}",
    ),
    "unknown weight": (
        lambda folder: spoil_weights(folder / "model.safetensors", stray=torch.ones(1)),
        "nothing uses:\n  stray",
    ),
    "other shape": (
        lambda folder: spoil_weights(folder / "model.safetensors", **{NORM: torch.ones(4)}),
        rf"{NORM}: found \[4\], expected \[48\]",
    ),
    "quantised": (
        lambda folder: spoil_weights(folder / "model.safetensors", **{NORM: torch.ones(48, dtype=torch.int8)}),
        f"{NORM} is torch.int8",
    ),
    "index to elsewhere": (point_outside, "'../model-elsewhere.safetensors'; the plain name of a file"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD)
def test_bad_checkpoints_are_refused_and_leave_nothing(checkpoint, tmp_path, spoil, message):
    spoil(checkpoint)
    before = names_in(tmp_path)
    with pytest.raises(ValueError, match=message):
        export(checkpoint, tmp_path / "out")
    assert names_in(tmp_path) == before


def ends(*arguments) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return str(stopped.value)


def test_mistakes_on_the_command_line(micro_checkpoint, exported, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert "exists already" in ends(micro_checkpoint, "--output", exported)
    assert "config.json is missing" in ends(tmp_path / "nothing", "--output", out)
    assert "'much'" in ends(micro_checkpoint, "--output", out, "--max-shard-size", "much")
    assert "above 0" in ends(micro_checkpoint, "--output", out, "--max-shard-size", "0GB")
    assert "'a/b/c' is no name" in ends(micro_checkpoint, "--output", out, "--push-to-hub", "a/b/c")
    assert "'a b' is no name" in ends(micro_checkpoint, "--output", out, "--base-model", "a b")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    assert "GB are needed" in ends(micro_checkpoint, "--output", out)
    assert names_in(tmp_path) == []


def test_a_push_that_fails_says_how_to_go_on(micro_checkpoint, tmp_path):
    message = ends(micro_checkpoint, "--output", tmp_path / "out", "--push-to-hub", "me/micro")
    assert "can't be pushed to me/micro" in message
    assert f"hf upload me/micro {tmp_path / 'out'}" in message
    assert (tmp_path / "out" / "config.json").exists()


def test_a_missing_extra_is_said(checkpoint, tmp_path, monkeypatch):
    (checkpoint / "diffusion_decoder").mkdir()
    (checkpoint / "diffusion_decoder" / "config.json").write_text(
        json.dumps({"model_type": "unimo_diffusion_decoder", "codebook_size": 64})
    )
    shutil.copyfile(checkpoint / "model.safetensors", checkpoint / "diffusion_decoder" / "model.safetensors")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    assert "unimo_hf[diffusion]" in ends(checkpoint, "--output", tmp_path / "out")
