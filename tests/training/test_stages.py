# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Each stage at its smallest: it learns, stops, goes on exactly, and leaves what the next one needs."""

import dataclasses
import functools
import json
import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from typer.testing import CliRunner

from unimo_hf import MotionVQVAE, UniMoForConditionalGeneration, UniMoPipeline, UniMoProcessor, VideoFSQ
from unimo_hf.data.encoding import write_codes
from unimo_hf.data.scene import FOCAL_PER_SIDE
from unimo_hf.data.shards import CodeShards, fingerprints
from unimo_hf.model.modalities import by_modality
from unimo_hf.model.motion_features import frames_to_parameters
from unimo_hf.training import motion_vqvae, unimo, video_fsq
from unimo_hf.training.motion_vqvae import MotionVQVAERecipe, MotionVQVAEStage
from unimo_hf.training.recipe import Recipe
from unimo_hf.training.run_folder import RESULTS
from unimo_hf.training.tiny.unimo_start import fourier_features
from unimo_hf.training.unimo import UniMoRecipe, UniMoStage, smoothed_targets
from unimo_hf.training.video_fsq import (
    PoseHead,
    VideoFSQRecipe,
    VideoFSQStage,
    person_weight,
    pose_difference,
    seen_places,
)

sys.path.append(os.path.dirname(__file__))
import micro_recipes

LARGER = [micro_recipes.UNIMO_MODEL["modalities"][0], {"name": "motion", "size": 32, "grid": [2, 2]}]


@pytest.fixture(scope="module")
def recipes(assets, tmp_path_factory):
    """Recipes of all stages; the tokenizers that the last one needs are untrained."""
    folder = tmp_path_factory.mktemp("tokenizers")
    torch.manual_seed(0)
    VideoFSQ(Recipe("", micro_recipes.VIDEO_FSQ_MODEL).build_config(VideoFSQ.config_class)).save_pretrained(
        folder / "video_fsq"
    )
    tokenizer = MotionVQVAE(Recipe("", micro_recipes.MOTION_VQVAE_MODEL).build_config(MotionVQVAE.config_class))
    tokenizer.train()(torch.randn(2, 9, 145))
    tokenizer.save_pretrained(folder / "motion_vqvae")
    return {
        "motion_vqvae": (motion_vqvae, MotionVQVAERecipe, micro_recipes.motion_vqvae_recipe(assets)),
        "video_fsq": (video_fsq, VideoFSQRecipe, micro_recipes.video_fsq_recipe(assets)),
        "unimo": (unimo, UniMoRecipe, micro_recipes.unimo_recipe(assets, folder)),
    }


STAGES = {"motion_vqvae": MotionVQVAEStage, "video_fsq": VideoFSQStage, "unimo": UniMoStage}
VALIDATION = {"motion_vqvae": "mpjpe_4", "video_fsq": "psnr", "unimo": "v2m_mpjpe"}


def stop_at(monkeypatch, stage, batch):
    """Press Ctrl-C in a batch."""
    loss, seen = stage.loss, []

    @functools.wraps(loss)
    def interrupted(self, *arguments):
        seen.append(1)
        if len(seen) == batch:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, *arguments)

    monkeypatch.setattr(stage, "loss", interrupted)


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


def test_tokenizers_that_were_saved_in_half_precision(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    for name, tokenizer in (("video_fsq", VideoFSQ), ("motion_vqvae", MotionVQVAE)):
        tokenizer.from_pretrained(values["tokenizers"][name]).half().save_pretrained(tmp_path / name)
    halves = {name: str(tmp_path / name) for name in values["tokenizers"]}
    stage = UniMoStage(micro_recipes.build(kind, {**values, "tokenizers": halves}, tmp_path), Accelerator())
    for tokenizer in (stage.video_fsq, stage.motion_vqvae):
        assert {value.dtype for value in tokenizer.parameters()} == {torch.float32}


def test_one_frame_of_a_clip_as_the_target(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    recipe = micro_recipes.build(kind, values, tmp_path)
    stage = UniMoStage(recipe, Accelerator())
    visual, motion = torch.arange(16).view(2, 2, 2, 2), torch.arange(72).view(2, 9, 4) % 16
    whole = stage.processor.build_sequence("v2m", {"visual": visual, "motion": motion})
    input_ids, labels, sequence = stage.keep_frame(3, whole["input_ids"], whole["labels"], whole["sequence"])
    condition = 2 + 8
    assert input_ids.shape == labels.shape == (2, condition + 8) == (2, len(sequence))
    assert sequence.condition_length == condition
    assert torch.equal(input_ids[:, :condition], whole["input_ids"][:, :condition])
    assert sequence.index[0, condition:].tolist() == list(range(8, 16))
    offset = stage.model.config.vocabulary.ranges["motion"][0]
    assert torch.equal(labels[:, -4:] - offset, motion[:, 3])
    assert (labels[:, :-4] == -100).all()
    assert torch.equal(input_ids[:, -4:] - offset, motion[:, 3])
    before = input_ids[:, condition:-4] - offset
    assert all(any(torch.equal(row, other) for other in motion[:, 2]) for row in before)


@pytest.fixture
def noisy_stage(recipes, tmp_path):
    """A stage of the AR model that replaces codes at the input as its options say."""
    _, kind, values = recipes["unimo"]
    recipe = micro_recipes.build(kind, values, tmp_path)

    def build(**options):
        off = {"visual_noise": 0.0, "motion_noise": 0.0, "foreign_motion": 0.0, "own_motion": 0.0}
        options = dataclasses.replace(recipe.options, **{**off, **options})
        return UniMoStage(dataclasses.replace(recipe, options=options), Accelerator())

    return build


def sequence_of(stage, task):
    torch.manual_seed(0)
    visual = torch.randint(stage.model.config.table["visual"].size, (3, 2, 2, 2))
    motion = torch.randint(stage.model.config.table["motion"].size, (3, 9, 4))
    whole = stage.processor.build_sequence(task, {"visual": visual, "motion": motion})
    return whole["input_ids"], whole["labels"], whole["sequence"]


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_the_motion_of_another_clip_at_the_input(noisy_stage, task):
    stage = noisy_stage(foreign_motion=1.0)
    input_ids, labels, sequence = sequence_of(stage, task)
    corrupted = stage.corrupt(input_ids, sequence)
    is_motion = labels >= stage.model.config.vocabulary.ranges["motion"][0]
    assert torch.equal(corrupted[is_motion], input_ids.roll(1, dims=0)[is_motion])
    assert torch.equal(corrupted[~is_motion], input_ids[~is_motion])


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_noise_stays_in_its_modality_and_spares_the_first_picture(noisy_stage, task):
    stage = noisy_stage(visual_noise=1.0)
    vocabulary = stage.model.config.vocabulary
    input_ids, labels, sequence = sequence_of(stage, task)
    corrupted = stage.corrupt(input_ids, sequence)
    changed = corrupted != input_ids
    assert changed.any()
    assert torch.equal(vocabulary.modality(corrupted), vocabulary.modality(input_ids))
    assert (vocabulary.modality(input_ids)[changed] == 1).all()
    if task == "i2vm":
        assert not changed[labels == -100].any()


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_going_on_from_what_the_model_says(noisy_stage, task):
    stage = noisy_stage(own_motion=1.0)
    input_ids, labels, sequence = sequence_of(stage, task)
    first, end = stage.model.config.vocabulary.ranges["motion"]
    own = stage.go_on_from_own(input_ids, labels, sequence)
    is_motion = labels >= first
    assert torch.equal(own[~is_motion], input_ids[~is_motion])
    logits = stage.model(input_ids=input_ids).logits[:, :-1, first:end]
    codes = stage.motion_vqvae.codebook.codes
    mean = logits[is_motion[:, 1:]].softmax(-1) @ codes
    assert torch.equal(own[is_motion] - first, torch.cdist(mean, codes).argmin(-1))


@pytest.fixture
def redrawn_shards(recipes, tmp_path):
    """A folder of two clips: all codes 0, and all codes 1."""
    tokenizers = recipes["unimo"][2]["tokenizers"]
    kinds = {"video_fsq": VideoFSQ, "motion_vqvae": MotionVQVAE}
    made_by = fingerprints(by_modality(*(kind.from_pretrained(tokenizers[name]) for name, kind in kinds.items())))
    clips = torch.tensor([0, 1])
    codes = {"visual": clips.view(2, 1, 1, 1).expand(2, 2, 2, 2), "motion": clips.view(2, 1, 1).expand(2, 9, 4)}
    list(write_codes([codes], tmp_path / "redrawn", made_by))
    return str(tmp_path / "redrawn")


@pytest.mark.parametrize(
    ("task", "share", "is_redrawn"), [("v2m", 1.0, True), ("v2m", 1e-9, False), ("i2vm", 1.0, False)]
)
def test_redrawn_clips_are_there_to_be_read(recipes, redrawn_shards, tmp_path, monkeypatch, task, share, is_redrawn):
    _, kind, values = recipes["unimo"]
    options = {**values["options"], "v2m_share": float(task == "v2m"), "redrawn": share}
    values = {**values, "redrawn_shards": redrawn_shards, "options": options}
    stage = UniMoStage(micro_recipes.build(kind, values, tmp_path), Accelerator())
    seen = []
    monkeypatch.setattr(stage, "codes", lambda batch: seen.append(batch) or drawn)
    drawn = {"visual": torch.full((3, 2, 2, 2), 5), "motion": torch.full((3, 9, 4), 5)}
    batch = dict(drawn)
    for _ in range(4):
        stage.loss(stage.network, batch)
    assert len(seen) == 4
    if not is_redrawn:
        assert all(given is batch for given in seen)
        return
    visual = torch.stack([given["visual"] for given in seen])
    motion = torch.stack([given["motion"] for given in seen])
    assert visual.shape == (4, 3, 2, 2, 2)
    assert motion.shape == (4, 3, 9, 4)
    assert torch.equal(visual.flatten(2).amin(dim=2), motion.flatten(2).amax(dim=2))  # each clip with its motion
    assert set(visual.flatten().tolist()) == {0, 1}


def test_a_run_with_redrawn_clips_that_was_stopped(recipes, redrawn_shards, tmp_path, monkeypatch):
    module, kind, values = recipes["unimo"]
    options = {**values["options"], "v2m_share": 1.0, "redrawn": 0.5}
    recipe = micro_recipes.build(kind, {**values, "redrawn_shards": redrawn_shards, "options": options}, tmp_path)
    whole = module.train(dataclasses.replace(recipe, output=str(tmp_path / "whole"))).state_dict()
    with monkeypatch.context() as patch:
        stop_at(patch, UniMoStage, 4)
        with pytest.raises(KeyboardInterrupt):
            module.train(recipe)
    resumed = module.train(recipe).state_dict()
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


def test_joints_are_read_off_the_mean_of_a_latent_frame():
    config = UniMoForConditionalGeneration.config_class(**micro_recipes.UNIMO_MODEL)
    reader = unimo.ConditionReader(config)
    torch.nn.init.normal_(reader.linear.weight)
    hidden_states = torch.randn(3, 2 * 4, 16)
    joints = reader(hidden_states)
    assert joints.shape == (3, 9, 22, 3)
    order = torch.tensor([1, 0, 3, 2, 4, 5, 6, 7])  # inside the first latent frame
    torch.testing.assert_close(reader(hidden_states[:, order]), joints)
    hidden_states[:, 4:] = 0.0
    changed = reader(hidden_states)
    torch.testing.assert_close(changed[:, 0], joints[:, 0])
    assert not changed[:, 1:].any()


def test_the_reader_goes_on_with_the_model_or_is_left_behind(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    first = micro_recipes.build(kind, values, tmp_path, steps=1)
    module.train(first)
    learned = load_file(tmp_path / "run" / "training_only.safetensors")
    second = dataclasses.replace(first, start=first.output)
    assert torch.equal(UniMoStage(second, Accelerator()).network.reader.linear.weight, learned["reader.linear.weight"])
    without = dataclasses.replace(second, options=dataclasses.replace(second.options, reading_weight=0.0))
    assert UniMoStage(without, Accelerator()).network.reader is None


def test_the_last_stage_leaves_a_whole_checkpoint(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    recipe = micro_recipes.build(kind, values, tmp_path, steps=1)
    module.train(recipe)
    assert all(path.name == "checkpoints" or RESULTS.fullmatch(path.name) for path in Path(recipe.output).iterdir())
    pipeline = UniMoPipeline.from_pretrained(recipe.output)
    assert isinstance(pipeline.model, UniMoForConditionalGeneration)
    assert UniMoProcessor.from_pretrained(recipe.output).size == 32
    video = torch.zeros(1, 3, 9, 32, 32)
    assert pipeline.motion_codes_from_video(video).shape == (1, 9, 4)


def test_tables_that_are_one_are_not_frozen_in_part(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    one = {"model": {**values["model"], "ablation": "uni_embed"}, "options": {"frozen_visual_tables": True}}
    with pytest.raises(ValueError, match="frozen_visual_tables needs a table and a head"):
        UniMoStage(micro_recipes.build(kind, {**values, **one}, tmp_path), Accelerator())


def test_visual_tables_stay_where_a_recipe_says_so(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = micro_recipes.build(kind, values, tmp_path / "first", steps=1)
    before = module.train(first).state_dict()
    options = {**values["options"], "frozen_visual_tables": True, "v2m_share": 0.0}
    values = {**values, "start": first.output, "model": {}, "options": options}
    after = module.train(micro_recipes.build(kind, values, tmp_path / "second", steps=2)).state_dict()
    same = {key for key, value in before.items() if torch.equal(value, after[key])}
    assert same >= {"lm_head.weight", "model.embed_tokens.visual.weight"}
    assert not same & {"motion_head.weight", "model.embed_tokens.motion.weight", "model.layers.0.mlp.up_proj.weight"}


def test_a_codebook_that_holds_a_code_twice():
    codes = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    targets = smoothed_targets(codes, 1.0)
    torch.testing.assert_close(targets[:2], torch.tensor([[0.5, 0.5, 0.0, 0.0]]).expand(2, 4))
    assert fourier_features(codes[:2].repeat(2, 1) + codes, 8).isfinite().all()


def test_clips_encoded_once_train_like_clips_encoded_while_training(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    for name in ("drawn", "shards"):
        (tmp_path / name).mkdir()
    drawn = module.train(micro_recipes.build(kind, values, tmp_path / "drawn", steps=2))
    with_shards = {**values, "shards": str(tmp_path / "codes")}
    encoded = module.train(micro_recipes.build(kind, with_shards, tmp_path / "shards", steps=2))
    shards = CodeShards(tmp_path / "codes")
    assert len(shards) == 8
    assert set(shards.metadata["tokenizers"]) == {"visual", "motion"}
    for first, second in zip(drawn.parameters(), encoded.parameters(), strict=True):
        torch.testing.assert_close(first, second)


def test_codes_of_other_tokenizers(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    with_shards = {**values, "shards": str(tmp_path / "codes")}
    module.train(micro_recipes.build(kind, with_shards, tmp_path, steps=1))
    torch.manual_seed(1)
    other = MotionVQVAE(Recipe("", micro_recipes.MOTION_VQVAE_MODEL).build_config(MotionVQVAE.config_class))
    other.save_pretrained(tmp_path / "other")
    with_shards["tokenizers"] = {**values["tokenizers"], "motion_vqvae": str(tmp_path / "other")}
    with pytest.raises(ValueError, match="codes holds codes of another tokenizer of 'motion'"):
        module.train(micro_recipes.build(kind, with_shards, tmp_path, steps=1))


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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation_clips": 8}, "validation_clips is 8.*number of clips, 8"),
        (
            {"model": {**micro_recipes.UNIMO_MODEL, "modalities": LARGER}},
            "number of motion codes of the model is 32.*have 16",
        ),
        ({"tokenizers": {"video_fsq": "gone", "motion_vqvae": "gone"}}, "tokenizers.video_fsq is 'gone': there is no"),
        ({"redrawn_shards": "some"}, "redrawn_shards is 'some' and redrawn 0.0; one is of no use"),
        ({"options": {"redrawn": 0.5}}, "redrawn_shards is None and redrawn 0.5"),
        ({"redrawn_shards": "none", "options": {"redrawn": 0.5}}, "none is no folder of code shards"),
        ({"shards": "no_such_folder", "drawn": None}, "no_such_folder is no folder of code shards"),
    ],
)
def test_what_does_not_fit_is_said_before_training(recipes, tmp_path, changes, message):
    module, kind, values = recipes["unimo"]
    with pytest.raises(ValueError, match=message):
        module.train(micro_recipes.build(kind, {**values, **changes}, tmp_path))


def test_a_recipe_without_tokenizers(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    values = {key: value for key, value in values.items() if key != "tokenizers"}
    with pytest.raises(ValueError, match="tokenizers"):
        micro_recipes.build(kind, values, tmp_path)


def test_a_tokenizer_of_another_kind(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    tokenizers = dict.fromkeys(("video_fsq", "motion_vqvae"), values["tokenizers"]["motion_vqvae"])
    with pytest.raises(ValueError, match=r"tokenizers\.video_fsq is .*: it can't be loaded"):
        module.train(micro_recipes.build(kind, {**values, "tokenizers": tokenizers}, tmp_path))


def test_smoothed_targets_are_distributions_that_fall_with_the_distance():
    targets = smoothed_targets(torch.tensor([[0.0], [1.0], [2.0], [5.0]]), smoothing=1.0)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(4))
    assert targets[0].argsort(descending=True).tolist() == [0, 1, 2, 3]


def test_pixels_near_the_person_weigh_more():
    joints = torch.zeros(1, 1, 22, 3)
    joints[..., 2] = 4.0
    joints[..., 0] = 0.5  # projects to (0.5 / 4) * sqrt(2) + 0.5 = 0.677 of the width
    weight = person_weight(joints, 64)[0, 0]
    row, column = divmod(int(weight.argmax()), 64)
    assert abs(row - 32) <= 4
    assert abs(column - 0.677 * 64) <= 4
    assert weight[0, 0] < 1e-3
