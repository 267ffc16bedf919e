# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What comes out of the pipeline says which weights made it, and how."""

import os
import shutil

import numpy as np
import pytest

from unimo_hf import UniMoPipeline
from unimo_hf.pipelines.identity import digest_weights, identify
from unimo_hf.provenance import Provenance
from unimo_hf.video import write_video
from unimo_hf.video.reading import Video

PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
VIDEO = Video(PICTURE[None], 15.0)


@pytest.fixture(scope="module")
def unimo(micro_checkpoint):
    return UniMoPipeline.from_pretrained(micro_checkpoint)


def test_an_estimate_and_a_generation(unimo, micro_checkpoint):
    revision = f"weights-{digest_weights(micro_checkpoint)}"
    made_by = {"model": "unimo-micro", "revision": revision, "mean_codes": False}
    assert unimo.video_to_motion(VIDEO).provenance == Provenance(
        "estimated", task="v2m", do_sample=False, source=None, **made_by
    )
    sampled = unimo.video_to_motion([VIDEO], do_sample=True, temperature=2, seed=3)[0].provenance
    assert sampled == Provenance(
        "estimated", task="v2m", do_sample=True, top_p=0.8, temperature=2.0, seed=3, **made_by
    )
    _, motion = unimo.image_to_video_and_motion(PICTURE, seed=1, top_p=0.5)
    assert motion.provenance == Provenance(
        "generated", task="i2vm", do_sample=True, top_p=0.5, temperature=1.0, seed=1, **made_by
    )


def test_mean_codes_are_said(unimo, monkeypatch):
    monkeypatch.setitem(unimo.model.generation_config.task_options["v2m"], "mean_codes", True)
    assert unimo.video_to_motion(VIDEO).provenance.mean_codes is True
    assert unimo.video_to_motion(VIDEO, do_sample=False).provenance.mean_codes is False


def test_an_estimate_of_what_was_generated_says_so(unimo, tmp_path):
    write_video(tmp_path / "a.mp4", VIDEO.frames, VIDEO.fps, provenance=Provenance("generated", "another"))
    assert unimo.video_to_motion(tmp_path / "a.mp4").provenance.source == "generated"


def test_a_pipeline_put_together_by_hand_names_the_program(unimo):
    own = UniMoPipeline(unimo.model, unimo.motion_vqvae, unimo.video_fsq, unimo.processor)
    provenance = own.video_to_motion(VIDEO).provenance
    assert (provenance.model, provenance.revision) == (None, None)
    assert str(provenance).startswith("estimated by unimo_hf ")


def test_only_the_last_part_of_a_path_is_told(micro_checkpoint, monkeypatch):
    expected = ("unimo-micro", f"weights-{digest_weights(micro_checkpoint)}")
    monkeypatch.chdir(micro_checkpoint)
    for folder in (micro_checkpoint, type(micro_checkpoint)("."), micro_checkpoint / "motion_vqvae" / ".."):
        assert identify(folder) == expected
    assert identify(None) == (None, None)


def test_a_repository_of_the_hub_is_told_by_its_commit(tmp_path):
    folder = tmp_path / "models--organisation--some-model" / "snapshots" / ("0123456789" * 4)
    folder.mkdir(parents=True)
    assert identify(folder) == ("organisation/some-model", "0123456789" * 4)


def test_the_digest_tells_weights_apart_and_not_places(micro_checkpoint, tmp_path):
    copy = shutil.copytree(micro_checkpoint, tmp_path / "copy")
    assert digest_weights(copy) == digest_weights(micro_checkpoint)
    weights = copy / "video_fsq" / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"abcd")
    assert digest_weights(copy) != digest_weights(micro_checkpoint)
