# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""The plans by which transformers splits the model over devices name modules and parameters that exist."""

import re

import pytest
import torch
import yaml
from torch import nn

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel


@pytest.fixture(scope="module", params=[UniMoModel, UniMoForConditionalGeneration], ids=lambda kind: kind.__name__)
def model_class(request):
    return request.param


@pytest.fixture(scope="module", params=["none", "uni_embed"])
def model(model_class, request):
    with torch.device("meta"):
        return model_class(UniMoConfig(num_hidden_layers=2, ablation=request.param))


def matches(name, pattern):
    return re.sub(r"\.\d+(?=\.|$)", ".*", name) == pattern


def test_every_entry_of_the_tensor_plan_names_a_module_and_every_large_weight_has_one(model):
    modules = dict(model.named_modules())
    for pattern, style in model.tp_plan.items():
        found = [module for name, module in modules.items() if matches(name, pattern)]
        assert found, pattern
        if "colwise" in style:
            assert all(isinstance(module, nn.Linear) for module in found)
    large = {name.removesuffix(".weight") for name, weight in model.named_parameters() if weight.numel() > 4_000_000}
    whole = {name for name in large if not any(matches(name, pattern) for pattern in model.tp_plan)}
    # Only Uni-Embed keeps its table and its head whole.
    assert {name.split(".")[-1] for name in whole} <= {"unified", "lm_head"}
    assert not whole or model.config.ablation == "uni_embed"


def test_every_entry_of_the_fsdp_plan_names_a_module_and_all_weights_are_covered(model):
    modules = {name for name, _ in model.named_modules()}
    for pattern in model.fsdp_plan:
        assert any(matches(name, pattern) for name in modules), pattern
    for name, _ in model.named_parameters():
        parts = name.split(".")
        prefixes = [".".join(parts[:end]) for end in range(1, len(parts))]
        assert any(matches(prefix, pattern) for prefix in prefixes for pattern in model.fsdp_plan), name


def test_every_entry_of_the_pipeline_plan_names_a_child(model):
    assert model.pp_plan
    modules = {name for name, _ in model.named_modules()}
    assert set(model.pp_plan) <= modules


def test_the_fsdp_recipe_wraps_the_blocks(model, repository):
    recipe = yaml.safe_load((repository / "configuration" / "accelerate_fsdp2.yaml").read_text())["fsdp_config"]
    assert recipe["fsdp_version"] == 2
    wrapped = recipe["fsdp_transformer_layer_cls_to_wrap"]
    assert sum(type(module).__name__ == wrapped for module in model.modules()) == 2
    assert set(model._no_split_modules) == {wrapped}
