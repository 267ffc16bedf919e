# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The page on tasks of one's own: its code, and all that it says works with it."""

import re
from pathlib import Path

import pytest
import torch
import yaml
from micro_checkpoint import FRAMES, SIZE

from unimo_hf import Motion, UniMoPipeline
from unimo_hf.data.encoding import write_shards
from unimo_hf.data.shards import CodeShards
from unimo_hf.evaluation.evaluate_task import evaluate_task
from unimo_hf.model import tasks
from unimo_hf.training.unimo import train

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tasks.md"
CLIPS = 6


@pytest.fixture
def tokenizer():
    before = dict(tasks.TASKS)
    code, names = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0], {}
    exec(compile(code, PAGE.name, "exec"), names)
    yield names["LoudnessTokenizer"]()
    tasks.TASKS.clear()
    tasks.TASKS.update(before)


def clips():
    generator = torch.Generator().manual_seed(0)
    for _ in range(CLIPS):
        yield {
            "video": torch.randint(256, (FRAMES, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8),
            "body_pose": 0.1 * torch.randn(FRAMES, 63, generator=generator),
            "betas": torch.zeros(FRAMES, 10),
            "global_orient": torch.tensor([[torch.pi, 0.0, 0.0]]).expand(FRAMES, 3),
            "transl": torch.tensor([[0.0, 0.0, 4.0]]).expand(FRAMES, 3),
            "sound": torch.rand(3, 1, 2, generator=generator),
        }


@pytest.mark.filterwarnings("ignore")  # random networks: feet that never stand
def test_it_is_sharded_trained_saved_loaded_generated_and_evaluated(tokenizer, micro_checkpoint, tmp_path):
    plain = UniMoPipeline.from_pretrained(micro_checkpoint)
    assert list(write_shards(clips(), tmp_path / "shards", plain.tokenizers | {"sound": tokenizer}))[-1] == CLIPS

    sound = {"name": "sound", "size": 16, "grid": [1, 2], "frames": 4}
    sizes = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    config = plain.model.config
    recipe = {
        "output": str(tmp_path / "run"),
        "model": {name: getattr(config, name) for name in (*sizes, "head_dim", "frames")}
        | {"modalities": [*config.modalities, sound], "num_special_tokens": 16},
        "tokenizers": {part: str(micro_checkpoint / part) for part in ("video_fsq", "motion_vqvae")},
        "shards": str(tmp_path / "shards"),
        "mixture": {"s2m": {"weight": 1.0}},
        "corruption": {"sound": {"noise": 0.1}},
        "validation_clips": 2,
        "size": SIZE,
        "optimisation": {"steps": 3, "batch_size": 2, "learning_rate": 1e-3, "warmup_steps": 1, "decay_steps": 1},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    train(tmp_path / "recipe.yaml")

    unimo = UniMoPipeline.from_pretrained(tmp_path / "run")
    unimo.tokenizers["sound"] = tokenizer
    motion = unimo.generate("s2m", sound=torch.rand(3, 1, 2), seed=0)
    assert isinstance(motion, Motion)
    assert len(motion) == FRAMES
    shards = CodeShards(tmp_path / "shards")
    result = evaluate_task(unimo, "s2m", shards, model="run", progress=False)
    assert {"code_accuracy", "mpjpe", "pa_mpjpe"} <= result["metrics"].keys()
    assert result["clips"] == CLIPS

    unimo.save_pretrained(tmp_path / "saved")
    again = UniMoPipeline.from_pretrained(tmp_path / "saved")
    given = {"sound": torch.stack([shards[index]["sound"] for index in range(2)])}
    codes = [each.generate_codes("s2m", given, seed=0)["motion"] for each in (unimo, again)]
    assert torch.equal(*codes)
