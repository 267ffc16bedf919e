# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Stage 2 at its smallest: a mixture of tasks, corrupted inputs, losses beside the paper's, and what is refused."""

import dataclasses
import json
from pathlib import Path

import micro_recipes
import pytest
import torch
from accelerate import Accelerator
from micro_recipes import stop_at
from safetensors.torch import load_file

from unimo_hf import MotionVQVAE, UniMoForConditionalGeneration, UniMoPipeline, UniMoProcessor, VideoFSQ
from unimo_hf.data.encoding import write_codes
from unimo_hf.data.shards import CodeShards, fingerprints
from unimo_hf.model.generation_unimo import Decoding
from unimo_hf.model.modalities import by_modality, make_table
from unimo_hf.model.sequences import lay_out
from unimo_hf.model.tasks import TASKS, Segment, Task
from unimo_hf.training.corruption import corrupt, scheduled_sampling
from unimo_hf.training.mixture import some_clips
from unimo_hf.training.recipe import Recipe
from unimo_hf.training.run_folder import RESULTS
from unimo_hf.training.tiny.pose_losses import ConditionReader
from unimo_hf.training.tiny.single_frames import keep_tick
from unimo_hf.training.tiny.unimo_start import fourier_features
from unimo_hf.training.unimo import UniMoStage, smoothed_targets
from unimo_hf.training.unimo_recipe import Corruption

LARGER = [micro_recipes.UNIMO_MODEL["modalities"][0], {"name": "motion", "size": 32, "grid": [2, 2]}]


def test_tokenizers_that_were_saved_in_half_precision(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    for name, tokenizer in (("video_fsq", VideoFSQ), ("motion_vqvae", MotionVQVAE)):
        tokenizer.from_pretrained(values["tokenizers"][name]).half().save_pretrained(tmp_path / name)
    halves = {name: str(tmp_path / name) for name in values["tokenizers"]}
    stage = UniMoStage(micro_recipes.build(kind, {**values, "tokenizers": halves}, tmp_path), Accelerator())
    for tokenizer in stage.tokenizers.values():
        assert {value.dtype for value in tokenizer.parameters()} == {torch.float32}


def test_one_frame_of_a_clip_as_the_target(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    recipe = micro_recipes.build(kind, values, tmp_path)
    stage = UniMoStage(recipe, Accelerator())
    visual, motion = torch.arange(16).view(2, 2, 2, 2), torch.arange(72).view(2, 9, 4) % 16
    whole = stage.processor.build_sequence("v2m", {"visual": visual, "motion": motion})
    input_ids, labels, sequence = keep_tick(3, whole["input_ids"], whole["labels"], whole["sequence"], 4)
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
def stage(recipes, tmp_path):
    """A stage of the AR model."""
    _, kind, values = recipes["unimo"]
    return UniMoStage(micro_recipes.build(kind, values, tmp_path), Accelerator())


def sequence_of(stage, task):
    torch.manual_seed(0)
    visual = torch.randint(stage.model.config.table["visual"].size, (3, 2, 2, 2))
    motion = torch.randint(stage.model.config.table["motion"].size, (3, 9, 4))
    whole = stage.processor.build_sequence(task, {"visual": visual, "motion": motion})
    return whole["input_ids"], whole["labels"], whole["sequence"]


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_the_motion_of_another_clip_at_the_input(stage, task):
    input_ids, labels, sequence = sequence_of(stage, task)
    vocabulary = stage.model.config.vocabulary
    corrupted = corrupt(input_ids, sequence, {"motion": Corruption(foreign=1.0)}, vocabulary)
    is_motion = labels >= vocabulary.ranges["motion"][0]
    assert torch.equal(corrupted[is_motion], input_ids.roll(1, dims=0)[is_motion])
    assert torch.equal(corrupted[~is_motion], input_ids[~is_motion])


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
def test_noise_stays_in_its_modality_and_spares_the_first_picture(stage, task):
    vocabulary = stage.model.config.vocabulary
    input_ids, labels, sequence = sequence_of(stage, task)
    corrupted = corrupt(input_ids, sequence, {"visual": Corruption(noise=1.0)}, vocabulary)
    changed = corrupted != input_ids
    assert changed.any()
    assert torch.equal(vocabulary.modality(corrupted), vocabulary.modality(input_ids))
    assert (vocabulary.modality(input_ids)[changed] == 1).all()
    if task == "i2vm":
        assert not changed[labels == -100].any()


@pytest.mark.parametrize("task", ["v2m", "i2vm"])
@pytest.mark.parametrize("share", [1.0, 0.5, 1e-9])
def test_going_on_from_what_the_model_says(stage, task, share):
    input_ids, labels, sequence = sequence_of(stage, task)
    vocabulary, codes = stage.model.config.vocabulary, stage.tokenizers["motion"].code_vectors()
    first, end = vocabulary.ranges["motion"]
    corruption, decoding = {"motion": Corruption(scheduled_sampling=share)}, Decoding(False, vectors={"motion": codes})
    asked = []

    def say(*inputs):
        asked.append(len(inputs[0]))
        return stage.say(*inputs)

    own = scheduled_sampling(input_ids, labels, sequence, corruption, vocabulary, say, decoding)
    is_motion = labels >= first
    is_own = (own != input_ids).any(dim=1)
    assert asked == [max(1, int(is_own.sum()))]  # of the others nothing is computed
    assert torch.equal(own[~is_motion], input_ids[~is_motion])
    logits = stage.model(input_ids=input_ids).logits[:, :-1, first:end]
    mean = logits[is_motion[:, 1:]].softmax(-1) @ codes
    said = input_ids.masked_scatter(is_motion, torch.cdist(mean, codes).argmin(-1) + first)
    assert torch.equal(own, torch.where(is_own[:, None], said, input_ids))
    assert share == 0.5 or is_own.all() == (share == 1.0)


def test_tasks_are_drawn_by_their_weights(recipes, tmp_path):
    _, kind, values = recipes["unimo"]
    mixture = {"i2vm": {"weight": 3.0}, "v2m": {"weight": 1.0}}
    stage = UniMoStage(micro_recipes.build(kind, {**values, "mixture": mixture}, tmp_path), Accelerator())
    torch.manual_seed(0)
    drawn = [stage.mixture.draw()[0].name for _ in range(1000)]
    assert 700 < drawn.count("i2vm") < 800
    none = {"i2vm": {"weight": 0.0, "data": "none is read"}, "v2m": {"weight": 5e-324}}
    stage = UniMoStage(micro_recipes.build(kind, {**values, "mixture": none}, tmp_path), Accelerator())
    assert {stage.mixture.draw()[0].name for _ in range(100)} == {"v2m"}
    both = {name: {"weight": 1.7e308} for name in ("v2m", "i2vm")}
    stage = UniMoStage(micro_recipes.build(kind, {**values, "mixture": both}, tmp_path), Accelerator())
    assert {stage.mixture.draw()[0].name for _ in range(100)} == {"v2m", "i2vm"}


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


@pytest.mark.parametrize("kept", ["drawn", "shards"])
def test_a_task_may_have_data_of_its_own(recipes, redrawn_shards, tmp_path, monkeypatch, kept):
    _, kind, values = recipes["unimo"]
    own = str(tmp_path / "own")
    data = redrawn_shards if kept == "drawn" else [str(tmp_path / "run" / ".." / "own"), redrawn_shards]
    mixture = {"v2m": {"weight": 1.0, "data": data}, "i2vm": {"weight": 1.0}}
    values = {**values, "mixture": mixture} | ({"shards": own} if kept == "shards" else {})
    stage = UniMoStage(micro_recipes.build(kind, values, tmp_path), Accelerator())
    torch.manual_seed(0)
    drawn = [stage.mixture.draw() for _ in range(400)]
    folders = {name: [shards for task, _, shards in drawn if task.name == name] for name in ("v2m", "i2vm")}
    assert all(shards is None for shards in folders["i2vm"])
    redrawn = [shards for shards in folders["v2m"] if shards is not None]
    assert {str(shards.folder) for shards in redrawn} == {redrawn_shards}
    assert len(redrawn) == len(folders["v2m"]) if kept == "drawn" else 60 < len(redrawn) < 140
    codes = some_clips(redrawn[0], like={"video": torch.zeros(9, 1)})
    assert (codes["visual"].shape, codes["motion"].shape) == ((9, 2, 2, 2), (9, 9, 4))
    assert torch.equal(codes["visual"][:, 0, 0, 0], codes["motion"][:, 0, 0])  # each clip with its motion
    assert set(codes["visual"].flatten().tolist()) == {0, 1}


def test_a_run_with_data_of_its_own_that_was_stopped(recipes, redrawn_shards, tmp_path, monkeypatch):
    module, kind, values = recipes["unimo"]
    shards = str(tmp_path / "shards")
    values = {**values, "mixture": {"v2m": {"weight": 1.0, "data": [redrawn_shards, shards]}}, "shards": shards}
    recipe = micro_recipes.build(kind, values, tmp_path)
    whole = module.train(dataclasses.replace(recipe, output=str(tmp_path / "whole"))).state_dict()
    with monkeypatch.context() as patch:
        stop_at(patch, UniMoStage, 4)
        with pytest.raises(KeyboardInterrupt):
            module.train(recipe)
    resumed = module.train(recipe).state_dict()
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


NEW = {
    "sound": {"name": "sound", "size": 8, "grid": [1, 2], "frames": 4},
    "letters": {"name": "letters", "size": 5, "grid": [1, 1], "frames": 0},
}


def test_an_invented_task_of_invented_modalities_trains(recipes, redrawn_shards, tmp_path, monkeypatch):
    for task in (
        Task("s2m", "[T7]", condition=(Segment("sound"),), target=(Segment("motion"),)),
        Task("m2sl", "[T8]", condition=(Segment("motion"),), target=(Segment("sound", start=1), Segment("letters"))),
    ):
        monkeypatch.setitem(TASKS, task.name, task)
    module, kind, values = recipes["unimo"]
    clips, own = CodeShards(redrawn_shards), {"sound": torch.randint(8, (4, 3, 1, 2))}
    own["letters"] = torch.tensor([[1, 2, 3], [4, -1, -1], [0, 0, -1], [-1, -1, -1]])
    own |= {name: torch.stack([clips[0][name], clips[1][name]] * 2) for name in clips.shapes}
    list(write_codes([own], tmp_path / "own", clips.metadata["tokenizers"]))
    changes = {
        "model": {**values["model"], "modalities": [*values["model"]["modalities"], *NEW.values()]},
        "shards": str(tmp_path / "own"),
        "drawn": None,
        "mixture": {"s2m": {"weight": 1.0, "single_frames": 0.5}, "m2sl": {"weight": 1.0}, "v2m": {"weight": 0.1}},
        "corruption": {
            "sound": {"noise": 0.5, "foreign": 0.5, "scheduled_sampling": 0.5},
            "letters": {"noise": 0.5, "scheduled_sampling": 0.5},
            "motion": {"noise": 0.5, "scheduled_sampling": 0.5},
        },
    }
    recipe = micro_recipes.build(kind, {**values, **changes}, tmp_path)
    start = UniMoStage(recipe, Accelerator()).model.state_dict()
    trained = module.train(recipe)
    for name in NEW:
        assert not torch.equal(trained.state_dict()[f"{name}_head.weight"], start[f"{name}_head.weight"])
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    validation = {f"validation/{name}" for name in ("s2m_mpjpe", "m2sl_loss", "v2m_mpjpe")}
    assert any(validation <= line.keys() for line in log)
    assert {"loss_s2m", "loss_m2sl", "sound", "letters", "motion", "pose", "probe"} <= {
        key for one in log for key in one
    }
    assert UniMoProcessor.from_pretrained(recipe.output).table.keys() == trained.config.table.keys()


def test_joints_are_read_off_the_mean_of_a_latent_frame():
    table = make_table(micro_recipes.UNIMO_MODEL["modalities"])
    reader, sequence = ConditionReader(table["visual"], 16), lay_out(TASKS["v2m"], table, 9)
    torch.nn.init.normal_(reader.linear.weight)
    hidden_states = torch.randn(3, len(sequence), 16)
    joints = reader(hidden_states, sequence)
    assert joints.shape == (3, 9, 22, 3)
    order = torch.tensor([0, 2, 1, 4, 3, *range(5, len(sequence))])  # inside the first latent frame
    torch.testing.assert_close(reader(hidden_states[:, order], sequence), joints)
    hidden_states[:, 5:9] = 0.0
    changed = reader(hidden_states, sequence)
    torch.testing.assert_close(changed[:, 0], joints[:, 0])
    assert not changed[:, 1:].any()


def test_the_reader_goes_on_with_the_model_or_is_left_behind(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    first = micro_recipes.build(kind, values, tmp_path, steps=1)
    module.train(first)
    learned = load_file(tmp_path / "run" / "training_only.safetensors")
    second = dataclasses.replace(first, start=first.output, init="random")
    assert torch.equal(UniMoStage(second, Accelerator()).network.reader.linear.weight, learned["reader.linear.weight"])
    without = dataclasses.replace(second, auxiliary=dataclasses.replace(second.auxiliary, probe=0.0))
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


def test_what_is_frozen_stays_as_it_is(recipes, tmp_path):
    module, kind, values = recipes["unimo"]
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = micro_recipes.build(kind, values, tmp_path / "first", steps=1)
    before = module.train(first).state_dict()
    frozen = ["lm_head", "model.embed_tokens.visual", "model.layers.0.mlp.down_proj.weight"]
    changes = {
        "start": first.output,
        "model": {},
        "init": "random",
        "freeze": frozen,
        "mixture": {"i2vm": {"weight": 1}},
    }
    after = module.train(micro_recipes.build(kind, values | changes, tmp_path / "second", steps=2)).state_dict()
    same = {key for key, value in before.items() if torch.equal(value, after[key])}
    assert same >= {"lm_head.weight", "model.embed_tokens.visual.weight", "model.layers.0.mlp.down_proj.weight"}
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"validation_clips": 8}, "validation_clips is 8.*number of clips, 8"),
        (
            {"model": {**micro_recipes.UNIMO_MODEL, "modalities": LARGER}},
            "number of motion codes of the model is 32.*has 16",
        ),
        ({"tokenizers": {"video_fsq": "gone", "motion_vqvae": "gone"}}, "tokenizers.video_fsq is 'gone': there is no"),
        (
            {"mixture": {"v2m": {"weight": 1.0, "data": "none"}}},
            r"recipe.yaml: mixture\.v2m\.data: none is no folder of",
        ),
        (
            {"mixture": {"i2vm": {"weight": 1, "single_frames": 0.5}}},
            r"mixture\.i2vm: single_frames is for a target of",
        ),
        (
            {"corruption": {"sound": {"noise": 0.5}}},
            r"recipe.yaml: corruption names the modality 'sound'; there are \[",
        ),
        ({"label_smoothing": {"sound": 1}}, "recipe.yaml: label_smoothing names the modality 'sound'; there are"),
        (
            {"freeze": ["visual_head"]},
            "recipe.yaml: freeze names 'visual_head', which has no weights; there are lm_head",
        ),
        ({"freeze": ["lm_hea"]}, "recipe.yaml: freeze names 'lm_hea', which"),
        ({"freeze": ["model", "lm_head", "motion_head"]}, "nothing is left that learns"),
        (
            {"model": {**micro_recipes.UNIMO_MODEL, "ablation": "uni_embed"}, "init": "codebooks"},
            "init 'codebooks' needs a table",
        ),
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


@pytest.mark.parametrize("kept", ["drawn", "shards", "data"])
def test_data_that_lack_what_a_task_needs(recipes, redrawn_shards, tmp_path, monkeypatch, kept):
    module, kind, values = recipes["unimo"]
    heard = Task("s2m", "[T7]", condition=(Segment("sound"),), target=(Segment("motion", stream=1),))
    monkeypatch.setitem(TASKS, "s2m", heard)
    changes = {"mixture": {"s2m": {"weight": 1.0}}}
    with pytest.raises(ValueError, match=r"recipe.yaml: mixture\.s2m: .* the modality 'sound'; the model has"):
        module.train(micro_recipes.build(kind, {**values, **changes}, tmp_path))
    changes["model"] = {**values["model"], "modalities": [*values["model"]["modalities"], NEW["sound"]]}
    if kept == "shards":
        changes |= {"shards": redrawn_shards, "validation_clips": 1}
    if kept == "data":
        changes["mixture"]["s2m"]["data"] = redrawn_shards
    where = redrawn_shards if kept == "data" else "the recipe's own"
    message = (
        rf"recipe.yaml: mixture\.s2m\.data: {where} has codes of \['motion', 'visual'\]; the task needs .*, sound too"
    )
    with pytest.raises(ValueError, match=message):
        module.train(micro_recipes.build(kind, {**values, **changes}, tmp_path))


def test_targets_of_too_many_codes():
    with pytest.raises(
        ValueError, match=r"label_smoothing is 1\.0; the targets of 10000000 codes would take 4e\+05 GB"
    ):
        smoothed_targets(torch.zeros(10_000_000, 1), 1.0)
