# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json

import pytest
from rich.console import Console

from unimo_hf.evaluation.motion_scores import MOTION_UNITS, MotionScores
from unimo_hf.evaluation.results import make_result
from unimo_hf.evaluation.table import result_json, result_table


@pytest.fixture
def result():
    return make_result(
        "v2m",
        metrics={"mpjpe": 61.234, "accel": None},
        units=MOTION_UNITS,
        protocol=MotionScores().protocol(),
        baselines={"mean_pose": {"mpjpe": 178.0}},
        clips=128,
        model="unimo-tiny",
        seed=3,
        failures=[{"input": "a.mp4", "error": "is no video"}],
        standard_errors={"mpjpe": 1.5},
        decodings={"greedy": {"mpjpe": 61.234}, "sampled": {"mpjpe": 70.5}},
        default_decoding="greedy",
        camera="front",
    )


def test_every_number_says_what_it_is(result):
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(result_table(result))
    text = console.export_text()
    for word in ("v2m: unimo-tiny on 128 clips", "camera front", "default_decoding greedy", "seed 3", "61.23 ± 1.50"):
        assert word in text
    (line,) = (line for line in text.splitlines() if "mpjpe" in line)
    for word in ("mm", "smplx22", "hip midpoint", "70.50", "178.00"):
        assert word in line
    (line,) = (line for line in text.splitlines() if "accel" in line)
    assert "gvhmr" in line
    assert "–" in line
    assert "1 clips could not be used" in text
    assert "greedy" not in text.splitlines()[2]  # the default decoding is the model's column


def test_json_is_one_object_in_the_published_shape(result):
    found = json.loads(result_json(result))
    assert found == result
    assert {"metrics", "units", "baselines", "clips", "model", "seed"} <= found.keys()
    assert found["metrics"]["accel"] is None
    with pytest.raises(ValueError, match="JSON"):
        result_json(result | {"metrics": {"mpjpe": float("nan")}})


def test_a_number_without_a_unit_is_refused(result):
    with pytest.raises(ValueError, match="pve"):
        make_result(
            "v2m",
            metrics={"pve": 1.0},
            units={"mpjpe": "mm"},
            protocol=result["protocol"],
            baselines={},
            clips=1,
            model="x",
            seed=0,
        )
