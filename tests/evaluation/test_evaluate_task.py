# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""A task that nobody has thought of is scored by its targets, on shards of codes."""

import json
import re

import pytest
import torch
from micro_checkpoint import FRAMES, MOTION_CODES, write_micro_checkpoint
from typer.testing import CliRunner

from unimo_hf import UniMoPipeline
from unimo_hf.cli.app import app
from unimo_hf.data.encoding import write_codes
from unimo_hf.evaluation.evaluate_task import evaluate_task
from unimo_hf.model import tasks
from unimo_hf.model.tasks import Segment, Task

pytestmark = pytest.mark.filterwarnings("ignore")  # random networks: feet that never stand
CLIPS = 3


@pytest.fixture(autouse=True)
def new_tasks(monkeypatch):
    for task in (
        Task("go on", "[T5]", (Segment("motion", stop=4),), (Segment("motion", start=4),)),
        Task("both", "[T3]", (Segment("visual", stop=1),), (Segment("visual", start=1), Segment("motion"))),
        Task("smell", "[T4]", (Segment("smell"),), (Segment("motion"),)),
    ):
        monkeypatch.setitem(tasks.TASKS, task.name, task)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_micro_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def unimo(checkpoint):
    return UniMoPipeline.from_pretrained(checkpoint)


@pytest.fixture(scope="module")
def clips():
    generator = torch.Generator().manual_seed(0)
    return [
        {
            "visual": torch.randint(64, (2, 2, 2), generator=generator),
            "motion": torch.randint(MOTION_CODES, (FRAMES, 36), generator=generator),
        }
        for _ in range(CLIPS)
    ]


def evaluate(unimo, task, clips, **options):
    return evaluate_task(unimo, task, clips, model="micro", progress=False, batch_size=2, **options)


def test_a_motion_target_has_the_motion_scores(unimo, clips):
    result = evaluate(unimo, "go on", clips, seed=1)
    assert {"code_accuracy", "mpjpe", "pa_mpjpe", "pve", "accel", "rte"} <= result["metrics"].keys()
    assert 0 < result["metrics"]["code_accuracy"] < 100
    assert result["metrics"]["mpjpe"] > 1
    assert (result["task"], result["clips"], result["default_decoding"]) == ("go on", CLIPS, "sampled")
    assert result == evaluate(unimo, "go on", clips, seed=1)
    json.dumps(result, allow_nan=False)


def test_a_model_that_says_what_is_true_scores_zero(unimo, clips, monkeypatch):
    """Even if what it was given comes back otherwise: only targets count."""
    true = torch.stack([clip["motion"] for clip in clips])
    given = true.clone()
    given[:, :4] = 0
    monkeypatch.setattr(unimo, "generate_codes", lambda *_, seed, **__: {"motion": given[2 * seed : 2 * seed + 2]})
    assert evaluate(unimo, "go on", clips)["metrics"]["code_accuracy"] == 100


def test_several_targets_carry_their_names(unimo, clips):
    metrics = evaluate(unimo, "both", clips)["metrics"]
    assert {"visual_code_accuracy", "visual_psnr", "motion_code_accuracy", "motion_mpjpe"} <= metrics.keys()


def test_what_is_refused(unimo, clips):
    with pytest.raises(ValueError, match="There are no clips"):
        evaluate(unimo, "go on", [])
    with pytest.raises(ValueError, match=re.escape("needs the modality 'smell'; the model has ['visual', 'motion']")):
        evaluate(unimo, "smell", clips)
    with pytest.raises(ValueError, match=re.escape("needs the codes of 'motion'; the clips have ['visual'].")):
        evaluate(unimo, "go on", [{"visual": clips[0]["visual"]}])


def test_the_command_takes_every_task(checkpoint, unimo, clips, tmp_path):
    batch = {name: torch.stack([clip[name] for clip in clips]) for name in ("visual", "motion")}
    list(write_codes([batch], tmp_path, None))
    run = CliRunner().invoke(
        app, ["evaluate", "go on", str(tmp_path), "--model", str(checkpoint), "--batch-size", "2", "--json"]
    )
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["metrics"] == evaluate(unimo, "go on", clips)["metrics"]
    assert CliRunner().invoke(app, ["evaluate", "come back", str(tmp_path)]).exit_code == 2
    listed = CliRunner().invoke(app, ["evaluate", "--help"]).output
    assert all(name in listed for name in ("motion-vqvae", "v2m", "go on", "both"))
    assert "TASK " not in listed
