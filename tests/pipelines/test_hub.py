# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""To the Hub and back, through a server on localhost that speaks its API.

huggingface_hub reads `HF_ENDPOINT` when it is imported, so the clients are processes of their own.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
import torch
from hub_server import HubServer
from safetensors.torch import load_file
from strangers_environment import make_environment, run_as_stranger

from unimo_hf import UniMoPipeline
from unimo_hf.decoding.configuration_diffusion_decoder import DiffusionDecoderConfig
from unimo_hf.decoding.modeling_diffusion_decoder import DiffusionDecoder
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.pipelines.checkpoint import load_diffusion_decoder, resolve_checkpoint

CONVERSION = Path(__file__).resolve().parents[2] / "conversion"

CLIENT = """
import json, os, sys
from pathlib import Path

import torch
from huggingface_hub import HfApi
from transformers import pipeline

sys.path.insert(0, CONVERSION)
from export_hub import main
from unimo_hf import DiffusionDecoder, MotionVQVAE, UniMoForConditionalGeneration, UniMoPipeline, VideoFSQ


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def error_of(action, *arguments, **options):
    try:
        action(*arguments, **options)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}"


found = {}
main([CHECKPOINT, "--output", "exported", "--push-to-hub", "me/unimo", "--max-shard-size", "100KB"])
local = UniMoPipeline.from_pretrained(CHECKPOINT)

there = UniMoPipeline.from_pretrained("me/unimo")
networks = ("model", "motion_vqvae", "video_fsq")
found["networks"] = [same(getattr(there, name), getattr(local, name)) for name in networks]
found["before"] = files(there.folder)
HfApi().upload_file(path_or_fileobj=b"later", path_in_repo="later.txt", repo_id="me/unimo")
codes = torch.zeros(1, 2, 2, 2, dtype=torch.long)
videos = [one.decode_video(codes, video_decoder="diffusion", seed=0) for one in (there, local)]
found["diffusion"] = torch.equal(*videos)
found["after"] = files(there.folder)
found["later"] = UniMoPipeline.from_pretrained("me/unimo").folder != there.folder

parts = {
    "": (UniMoForConditionalGeneration, local.model),
    "motion_vqvae": (MotionVQVAE, local.motion_vqvae),
    "video_fsq": (VideoFSQ, local.video_fsq),
    "diffusion_decoder": (DiffusionDecoder, local.diffusion_decoder),
}
found["parts"] = [same(kind.from_pretrained("me/unimo", subfolder=part), one) for part, (kind, one) in parts.items()]
local.motion_vqvae.push_to_hub("me/motion")
found["one part"] = same(MotionVQVAE.from_pretrained("me/motion"), local.motion_vqvae)

there.push_to_hub("me/again", private=True, max_shard_size="100KB", commit_message="first")
again = UniMoPipeline.from_pretrained("me/again")
found["again"] = same(again.model, local.model)
found["task"] = str(pipeline("video-to-motion", model="me/again").unimo.folder) == str(again.folder)
with torch.no_grad():
    there.model.model.norm.weight.fill_(2)
there.push_to_hub("me/again")
found["updated"] = same(UniMoPipeline.from_pretrained("me/again").model, there.model)
found["cached"] = same(UniMoPipeline.from_pretrained("me/unimo", local_files_only=True).model, local.model)

found["nobody"] = error_of(UniMoPipeline.from_pretrained, "me/nothing")
found["no revision"] = error_of(UniMoPipeline.from_pretrained, "me/unimo", revision="v9")
os.environ["HF_TOKEN"] = "hf_of_somebody_else"
found["no right"] = error_of(main, [CHECKPOINT, "--output", "other", "--push-to-hub", "me/other"])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def checkpoint(micro_checkpoint, tmp_path_factory) -> Path:
    """The micro checkpoint with a diffusion decoder."""
    folder = tmp_path_factory.mktemp("checkpoints") / "with_diffusion"
    shutil.copytree(micro_checkpoint, folder)
    torch.manual_seed(0)
    config = DiffusionDecoderConfig(
        codebook_size=64,
        code_embedding_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        attention_head_dim=32,
        adaln_lora_dim=16,
        context_size=24,
        context_length=6,
        decoder_widths=[16, 32, 32],
    )
    DiffusionDecoder(config).save_pretrained(folder / "diffusion_decoder")
    return folder


@pytest.fixture(scope="module")
def server():
    with HubServer() as running:
        yield running


@pytest.fixture(scope="module")
def found(checkpoint, server, tmp_path_factory) -> dict:
    """What a client saw that pushed the checkpoint and loaded it again."""
    home = tmp_path_factory.mktemp("client")
    result = subprocess.run(
        [sys.executable, "-c", f"CHECKPOINT, CONVERSION = {str(checkpoint)!r}, {str(CONVERSION)!r}\n{CLIENT}"],
        env=os.environ | server.environment | {"HF_HOME": str(home)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_a_pipeline_comes_back_as_it_went(found):
    assert found["networks"] == [True, True, True]
    assert found["again"]
    assert found["cached"]
    assert found["task"]


def test_the_diffusion_decoder_is_fetched_when_asked_for_at_the_same_commit(found):
    assert not [name for name in found["before"] if name.startswith("diffusion_decoder/")]
    new = set(found["after"]) - set(found["before"])
    assert {Path(name).parent.name for name in new} == {"diffusion_decoder"}
    assert "diffusion_decoder/config.json" in new
    assert found["diffusion"]
    assert found["later"]


def test_every_part_loads_by_itself(found):
    assert found["parts"] == [True, True, True, True]
    assert found["one part"]


def test_an_update_leaves_no_old_weights(found, server):
    assert found["updated"]
    first, last = list(server.repositories["me/again"])[1:]
    assert "model-00001-of-00002.safetensors" in server.files("me/again", first)
    names = server.files("me/again", last)
    assert "model.safetensors" in names
    assert not [name for name in names if "-of-" in name or name.endswith("index.json")]
    assert "diffusion_decoder/config.json" in names


def test_a_pipeline_pushes_no_reference_to_code_that_it_does_not_push(found, server):
    settings = [server.files("me/again")[name] for name in ("config.json", "tokenizer_config.json")]
    assert not [text for text in settings if b"auto_map" in text]


def test_what_cannot_be_fetched_or_pushed_is_said(found, server):
    assert found["nobody"].startswith("ValueError: me/nothing is no folder here and could not be fetched")
    assert found["no revision"].startswith("ValueError: me/unimo is no folder here and could not be fetched")
    assert "v9" in found["no revision"]
    assert found["no right"].startswith("SystemExit:")
    assert "hf upload me/other other" in found["no right"]
    assert "me/other" not in server.repositories


STRANGER = """
import json, torch
from transformers import AutoModel, AutoModelForCausalLM, AutoProcessor
options = {"trust_remote_code": True}
processor = AutoProcessor.from_pretrained("me/unimo", **options)
model = AutoModelForCausalLM.from_pretrained("me/unimo", **options)
parts = [AutoModel.from_pretrained("me/unimo", subfolder=part, **options) for part in ("motion_vqvae", "video_fsq")]
condition = processor(visual_codes=torch.arange(8).view(1, 2, 2, 2), task="v2m")
ids = model.generate(**condition, do_sample=False)
with torch.no_grad():
    codes = processor.post_process(ids, condition["sequence"])
    motion = parts[0].decode(codes["motion"].flatten(2))
print(json.dumps([ids.tolist(), motion.flatten().tolist(), type(parts[1]).__name__]))
"""


def test_a_stranger_generates_with_what_lies_on_the_hub(found, server, micro_checkpoint, tmp_path):
    requirements = server.files("me/unimo")["requirements.txt"].decode().split()
    # The diffusion decoder is not asked for, so what it needs need not be there.
    packages = make_environment(tmp_path / "packages", [line for line in requirements if "diffusers" not in line])
    result = run_as_stranger(packages, STRANGER, tmp_path, **server.environment)
    assert result.returncode == 0, result.stderr
    ids, motion, kind = json.loads(result.stdout)
    unimo = UniMoPipeline.from_pretrained(micro_checkpoint)
    condition = unimo.processor(visual_codes=torch.arange(8).view(1, 2, 2, 2), task="v2m")
    expected = unimo.model.generate_target(condition["input_ids"], decoding=Decoding(do_sample=False))
    assert ids == torch.cat([condition["input_ids"], expected], dim=1).tolist()
    with torch.no_grad():
        codes = unimo.processor.post_process(expected, condition["sequence"])
        frames = unimo.motion_vqvae.decode(codes["motion"].flatten(2))
    assert motion == pytest.approx(frames.flatten().tolist(), abs=1e-5)
    assert kind == "VideoFSQ"


def test_a_pipeline_is_saved_whole(checkpoint, tmp_path):
    unimo = UniMoPipeline.from_pretrained(checkpoint)
    unimo.save_pretrained(tmp_path)  # the decoder that is not loaded comes along
    for part in ("", "motion_vqvae", "video_fsq", "diffusion_decoder"):
        name = Path(part, "model.safetensors")
        found, expected = load_file(tmp_path / name), load_file(checkpoint / name)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], weight) for key, weight in expected.items())
    again = UniMoPipeline.from_pretrained(tmp_path)
    assert again.default_decoding("v2m") == unimo.default_decoding("v2m")
    again.save_pretrained(tmp_path)  # over itself
    again.save_pretrained(str(tmp_path / "over"))
    again.save_pretrained(str(tmp_path / "over"))
    assert (tmp_path / "over" / "diffusion_decoder" / "config.json").exists()
    UniMoPipeline.from_pretrained(tmp_path / "over")


def test_a_saved_pipeline_can_be_read_by_others_and_takes_nothing_from_elsewhere(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "checkpoint")
    unimo = UniMoPipeline.from_pretrained(folder)
    unimo.save_pretrained(tmp_path / "saved")
    mask = 0o777 & ~stat.S_IMODE((tmp_path / "saved").stat().st_mode)
    files = [file for file in (tmp_path / "saved").rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o666 & ~mask}
    (folder / "diffusion_decoder" / "NOTICE").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="NOTICE is a link to /etc/passwd"):
        unimo.save_pretrained(tmp_path / "again")
    with pytest.raises(ValueError, match="NOTICE is a link to /etc/passwd"):
        unimo.push_to_hub("me/unimo")


def test_what_is_asked_of_the_hub(micro_checkpoint, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    asked = []

    def snapshot_download(name, **options):
        asked.append((name, options))
        return str(micro_checkpoint)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    resolve_checkpoint("me/unimo", ignore_patterns="*.mp4", revision="v1")
    assert asked.pop() == ("me/unimo", {"ignore_patterns": ["*.mp4", "diffusion_decoder/*"], "revision": "v1"})
    with pytest.raises(ValueError, match="has no diffusion decoder"):
        load_diffusion_decoder(micro_checkpoint, None, "me/unimo", ignore_patterns="*.mp4", revision="v1")
    expected = {"allow_patterns": ["diffusion_decoder/*"], "ignore_patterns": None, "revision": "v1"}
    assert asked.pop() == ("me/unimo", expected)
    with pytest.raises(ValueError, match="has no diffusion decoder"):
        load_diffusion_decoder(micro_checkpoint, None, micro_checkpoint)
    assert not asked


def test_a_missing_extra_is_said_before_anything_is_fetched(micro_checkpoint, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *arguments, **options: 1 / 0)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(ModuleNotFoundError, match="diffusion"):
        load_diffusion_decoder(micro_checkpoint, None, "me/unimo")
