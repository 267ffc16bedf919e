# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Each stage at its smallest: it learns, stops, goes on exactly, and leaves what the next one needs."""

import dataclasses
import json

import micro_recipes
import pytest
import torch
from accelerate import Accelerator
from micro_recipes import stop_at
from safetensors.torch import load_file
from typer.testing import CliRunner

from unimo_hf import VideoFSQ
from unimo_hf.data.scene import FOCAL_PER_SIDE
from unimo_hf.model.motion_features import frames_to_parameters
from unimo_hf.training.motion_vqvae import MotionVQVAEStage
from unimo_hf.training.unimo import UniMoStage
from unimo_hf.training.video_fsq import PoseHead, VideoFSQStage, person_weight, pose_difference, seen_places

STAGES = {"motion_vqvae": MotionVQVAEStage, "video_fsq": VideoFSQStage, "unimo": UniMoStage}
VALIDATION = {"motion_vqvae": "mpjpe_4", "video_fsq": "psnr", "unimo": "v2m_mpjpe"}


@pytest.mark.parametrize("name", STAGES)
def test_a_run_and_a_run_that_was_stopped_end_alike(name, recipes, tmp_path, monkeypatch):
    module, kind, values = recipes[name]
    (tmp_path / "whole").mkdir()
    (tmp_path / "stopped").mkdir()
    recipe = micro_recipes.build(kind, values, tmp_path / "whole")
    whole = module.train(recipe)
    stopped = micro_recipes.build(kind, values, tmp_path / "stopped")
    with monkeypatch.context() as patch:
        stop_at(patch, STAGES[name], 4)
        with pytest.raises(KeyboardInterrupt):
            module.train(stopped)
    assert [path.name for path in (tmp_path / "stopped" / "run" / "checkpoints").iterdir()] == ["step_00000004"]
    resumed = module.train(stopped).state_dict()
    assert whole.state_dict().keys() == resumed.keys()
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed[key]), key

    log = [json.loads(line) for line in (tmp_path / "whole/run/log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert any(f"validation/{VALIDATION[name]}" in line for line in log)
    saved = type(whole).from_pretrained(recipe.output)
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in saved.state_dict().items())


def test_a_run_goes_on_from_trained_weights(recipes, tmp_path):
    module, kind, values = recipes["motion_vqvae"]
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = micro_recipes.build(kind, values, tmp_path / "first", steps=2)
    trained = module.train(first).state_dict()
    values = {**values, "start": first.output, "model": {"ordered_codes": 0.0}}
    second = module.train(micro_recipes.build(kind, values, tmp_path / "second", steps=1, learning_rate=1e-9))
    assert second.config.ordered_codes == 0.0
    assert second.config.widths == [8, 8]
    torch.testing.assert_close(dict(second.named_parameters()), {k: trained[k] for k, _ in second.named_parameters()})


def test_runs_of_one_process_have_a_precision_each(recipes, tmp_path, monkeypatch):
    module, kind, values = recipes["motion_vqvae"]
    loss, seen = MotionVQVAEStage.loss, []

    def noting_precision(self, *arguments):
        seen.append(self.accelerator.mixed_precision)
        return loss(self, *arguments)

    monkeypatch.setattr(MotionVQVAEStage, "loss", noting_precision)
    for precision in ("no", "bf16"):
        (tmp_path / precision).mkdir()
        module.train(micro_recipes.build(kind, values, tmp_path / precision, steps=1, mixed_precision=precision))
    assert seen == ["no", "bf16"]


def test_the_head_goes_on_with_the_tokenizer(recipes, tmp_path):
    module, kind, values = recipes["video_fsq"]
    first = micro_recipes.build(kind, values, tmp_path, steps=2)
    module.train(first)
    kept = tmp_path / "run" / "training_only.safetensors"
    learned = load_file(kept)
    second = dataclasses.replace(first, start=first.output, fit_start=False)
    head = module.VideoFSQStage(second, Accelerator()).network.pose_head
    assert learned
    assert all(torch.equal(head.state_dict()[key.removeprefix("pose_head.")], learned[key]) for key in learned)
    without = dataclasses.replace(second, loss=dataclasses.replace(second.loss, pose=0.0))
    assert module.VideoFSQStage(without, Accelerator()).network.pose_head is None
    kept.write_bytes(b"no tensors")
    with pytest.raises(ValueError, match=r"training_only\.safetensors does not fit the recipe or is damaged"):
        module.VideoFSQStage(second, Accelerator())


def test_recipes_of_the_video_tokenizer_that_make_no_sense(recipes, tmp_path):
    _, kind, values = recipes["video_fsq"]
    with pytest.raises(ValueError, match="stills_per_clip is -1"):
        micro_recipes.build(kind, {**values, "stills_per_clip": -1}, tmp_path)
    with pytest.raises(ValueError, match=r"there is loss\.pose to learn from"):
        micro_recipes.build(kind, {**values, "decoded": 0.0, "loss": {"squared": 1.0}}, tmp_path)


def test_a_video_tokenizer_of_which_the_encoder_learns(recipes, tmp_path):
    module, kind, values = recipes["video_fsq"]
    torch.manual_seed(0)
    start = VideoFSQ(VideoFSQ.config_class(**micro_recipes.VIDEO_FSQ_MODEL))
    start.save_pretrained(tmp_path / "start")
    values = {**values, "fit_start": False, "start": str(tmp_path / "start"), "decoded": 0.0}
    trained = module.train(micro_recipes.build(kind, values, tmp_path, steps=2)).state_dict()
    changed = {key.split(".")[0] for key, value in start.state_dict().items() if not torch.equal(value, trained[key])}
    assert changed == {"encoder", "quant_conv"}


def test_a_head_that_is_sure_places_joints_where_their_codes_are():
    head = PoseHead(VideoFSQ.config_class(**micro_recipes.VIDEO_FSQ_MODEL))
    first, last = head.layers[0], head.answer
    with torch.no_grad():
        for layer in head.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.zero_()
                layer.bias.zero_()
        first.weight[0, 0, 1, 1] = 1.0  # the first number of a code
        last.weight[0::4, 0] = 100.0  # says how likely all joints are there
        last.bias[3::4] = 0.7  # and all are 0.7 m behind the pelvis
    codes = torch.zeros(1, 2, 2, 4, 4)
    codes[0, 0, 0, 1, 2] = 1.0
    codes[0, 0, 1, 3, 0] = 1.0
    places = head(codes)
    assert places.shape == (1, 9, 22, 3)
    torch.testing.assert_close(places[0, 0], torch.tensor([0.625, 0.375, 0.7]).expand(22, 3))
    torch.testing.assert_close(places[0, 1:], torch.tensor([0.125, 0.875, 0.7]).expand(8, 22, 3))


def test_places_of_joints_that_are_seen_are_right():
    joints = torch.randn(2, 3, 22, 3) * 0.3 + torch.tensor([0.0, 0.0, 4.0])
    places = seen_places(joints)
    assert not pose_difference(places, joints).any()
    places[..., 0] += 0.1
    expected = 0.1 * joints[..., :1, 2].expand(2, 3, 22) / FOCAL_PER_SIDE
    torch.testing.assert_close(pose_difference(places, joints)[..., 0], expected)


@pytest.mark.parametrize(("coordinates", "sign"), [("camera", 1), ("world", -1)])
def test_a_tokenizer_learns_the_frame_of_reference_that_it_names(recipes, tmp_path, coordinates, sign):
    _, kind, values = recipes["motion_vqvae"]
    values = {**values, "model": {**values["model"], "coordinates": coordinates}}
    stage = MotionVQVAEStage(micro_recipes.build(kind, values, tmp_path), Accelerator())
    for frames in (torch.stack([stage.dataset[index] for index in range(8)]), stage.validation):
        parameters = frames_to_parameters(frames)
        joints = stage.body.joints(**{key: value.flatten(0, 1) for key, value in parameters.items()})
        assert float((sign * (joints[:, 0] - joints[:, 15]))[:, 1].median()) > 0.3  # y points down in a camera's frame


def test_decoders_of_frozen_codes(recipes, tmp_path):
    module, kind, values = recipes["motion_vqvae"]
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = micro_recipes.build(kind, values, tmp_path / "first", steps=1)
    codes = module.train(first).state_dict()
    values = {**values, "start": first.output, "frozen_codes": True}
    trained = module.train(micro_recipes.build(kind, values, tmp_path / "second", steps=3)).state_dict()
    changed = {key.split(".")[0] for key, value in codes.items() if not torch.equal(value, trained[key])}
    assert changed == {"decoders"}


def test_ctrl_c_on_the_command_line_is_one_line(recipes, tmp_path, monkeypatch):
    import yaml

    from unimo_hf.cli.app import app

    stop_at(monkeypatch, MotionVQVAEStage, 3)
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipes["motion_vqvae"][2]), encoding="utf-8")
    result = CliRunner().invoke(app, ["train", "motion-vqvae", str(path), "-o", str(tmp_path / "run")])
    assert result.exit_code == 130
    assert result.stderr.strip().splitlines()[-1] == "Interrupted."
    assert "Traceback" not in result.output
    assert (tmp_path / "run" / "checkpoints" / "step_00000003").is_dir()


def test_pixels_near_the_person_weigh_more():
    joints = torch.zeros(1, 1, 22, 3)
    joints[..., 2] = 4.0
    joints[..., 0] = 0.5  # projects to (0.5 / 4) * sqrt(2) + 0.5 = 0.677 of the width
    weight = person_weight(joints, 64)[0, 0]
    row, column = divmod(int(weight.argmax()), 64)
    assert abs(row - 32) <= 4
    assert abs(column - 0.677 * 64) <= 4
    assert weight[0, 0] < 1e-3
