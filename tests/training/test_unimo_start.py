# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Where the tables of the AR model start: at the vectors of codes, or at codes that were learned before."""

import copy
import logging

import pytest
import torch

from unimo_hf import MotionVQVAE, MotionVQVAEConfig, UniMoConfig, UniMoForConditionalGeneration
from unimo_hf.training.tiny.unimo_start import fourier_features, take_over_motion_codes

CODES = 16


def tokenizer(**changes):
    return MotionVQVAE(MotionVQVAEConfig(factors=[1, 4], widths=[8, 3], depth=1, codebook_size=CODES, **changes))


@pytest.fixture
def trained(tmp_path):
    """A model and the folder of its checkpoint, with the motion tokenizer that it knows."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "head_dim": 8}
    visual = {"name": "visual", "size": 16, "grid": [2, 2], "frames": 8}
    modalities = [visual, {"name": "motion", "size": CODES, "grid": [2, 2]}]
    config = UniMoConfig(**sizes, modalities=modalities, num_attention_heads=2, num_key_value_heads=1, frames=9)
    model = UniMoForConditionalGeneration(config)
    model.save_pretrained(tmp_path)
    known = tokenizer()
    known.save_pretrained(tmp_path / "motion_vqvae")
    return model, str(tmp_path), known


def tables(model):
    return [table.weight.detach().clone() for table in (model.model.embed_tokens.motion, model.head("motion"))]


def test_each_code_starts_as_the_nearest_known_one(trained):
    model, start, known = trained
    before = tables(model)
    order = torch.randperm(CODES)
    renamed = copy.deepcopy(known)
    renamed.codebook.codes.copy_(known.codebook.codes[order] + 1e-4)
    take_over_motion_codes(model, start, renamed)
    assert all(torch.equal(now, old[order]) for now, old in zip(tables(model), before, strict=True))


def test_known_codes_stay_as_they_are(trained):
    model, start, known = trained
    known.codebook.codes[1] = known.codebook.codes[0]
    known.save_pretrained(f"{start}/motion_vqvae")
    before = tables(model)
    take_over_motion_codes(model, start, known)
    assert all(torch.equal(now, old) for now, old in zip(tables(model), before, strict=True))


def test_a_start_that_knows_no_motion(trained, tmp_path, caplog):
    model, start, _ = trained
    before = tables(model)
    take_over_motion_codes(model, str(tmp_path / "nothing"), tokenizer())
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        take_over_motion_codes(model, start, tokenizer(codebook_dim=2))
    assert "learned anew" in caplog.text
    assert all(torch.equal(now, old) for now, old in zip(tables(model), before, strict=True))


def test_neighbouring_codes_start_alike_and_are_told_apart():
    torch.manual_seed(0)
    line = torch.stack((torch.linspace(0, 1, 200), torch.zeros(200), torch.ones(200)), dim=1)
    plane = torch.cat((torch.randn(200, 2) * 0.1, -torch.ones(200, 1)), dim=1)
    features = fourier_features(torch.cat((line, plane)), 160)
    cosine = torch.nn.functional.cosine_similarity(features[:199], features[1:200])
    assert 0.8 < cosine.mean() < 0.999
    far = torch.nn.functional.cosine_similarity(features[0], features[100], dim=0)
    assert far < cosine.min()
