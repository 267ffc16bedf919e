# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from unimo_cases import GOLDENS, golden_config

from unimo_hf.model.configuration_unimo import UniMoConfig
from unimo_hf.model.embedding_unimo import UniMoPositionEmbedding
from unimo_hf.model.modalities import Modality
from unimo_hf.model.positions import (
    absolute_table,
    axis_split,
    coordinates_of,
    rotary_angles,
    rotary_frequencies,
    rotary_table,
)
from unimo_hf.model.sequences import Sequence

TABLES = load_file(GOLDENS / "pos_tables.safetensors")
SETTINGS = json.loads((GOLDENS / "pos_tables.json").read_text())


def test_axis_split():
    assert axis_split(128) == (44, 42, 42)
    assert axis_split(4096) == (1368, 1364, 1364)
    assert axis_split(64) == (24, 20, 20)
    for dim in (4, 65):
        with pytest.raises(ValueError, match="even and at least 6"):
            axis_split(dim)


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith("rope")])
def test_rotary_tables_equal_cosmos(name):
    setting = SETTINGS[name]
    yarn = None
    if setting["yarn"]:
        keys = {"factor": "scale", "original_latent_grid": "original_latent_shape"}
        yarn = {
            key: setting[keys.get(key, key)] for key in ("factor", "beta_fast", "beta_slow", "original_latent_grid")
        }
    time, space = rotary_frequencies(setting["head_dim"], setting["rope_theta"], yarn)
    torch.testing.assert_close(time, TABLES[f"{name}.inv_freq_t"], atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(space, TABLES[f"{name}.inv_freq_hw"], atol=1e-7, rtol=1e-6)
    _, height, width = setting["latent_shape"]
    positions = TABLES[f"{name}.positions"]
    is_code = positions < torch.tensor(setting["latent_shape"]).prod()
    coordinates = coordinates_of(positions, Modality("visual", 1, (height, width)))
    cos, sin = rotary_table(rotary_angles(coordinates, time, space))
    # Rows behind the grid are padding in the original.
    torch.testing.assert_close(cos[is_code], TABLES[f"{name}.cos"][is_code], atol=5e-6, rtol=0)
    torch.testing.assert_close(sin[is_code], TABLES[f"{name}.sin"][is_code], atol=5e-6, rtol=0)
    assert is_code.sum() >= 40


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith("ape")])
def test_absolute_tables_equal_cosmos(name):
    setting = SETTINGS[name]
    _, height, width = setting["latent_shape"]
    table = absolute_table(
        coordinates_of(TABLES[f"{name}.positions"], Modality("visual", 1, (height, width))), setting["dim"]
    )
    assert torch.equal(table, TABLES[f"{name}.table_fp32"])
    assert torch.equal(table.bfloat16(), TABLES[f"{name}.table_bf16"])
    assert table.square().mean().sqrt().item() == pytest.approx(0.5**0.5, abs=1e-3)


def test_with_a_small_base_channels_change_over_a_small_grid():
    coordinates = coordinates_of(torch.arange(64), Modality("visual", 1, (8, 8)))
    changing = [int((absolute_table(coordinates, 160, theta).std(dim=0) > 0.5).sum()) for theta in (10_000.0, 3.0)]
    assert changing == [12, 84]


@pytest.mark.parametrize(("file", "has_begin_token"), [("ar_base", False), ("ar_v2w", True)])
def test_tables_of_a_whole_sequence_equal_cosmos(file, has_begin_token):
    """The begin token of Cosmos, and its padding, stand nowhere, as our special tokens do."""
    golden, config = load_file(GOLDENS / f"{file}.safetensors"), golden_config(ape_mode="hidden_each_layer")
    clip, rows = config.table["visual"], len(golden["rope_cos"])
    count = clip.codes * clip.ticks(config.frames)
    first = int(has_begin_token)
    modality, index = torch.zeros(1, rows, dtype=torch.long), torch.zeros(1, rows, dtype=torch.long)
    modality[:, first : first + count] = 1
    index[:, first : first + count] = torch.arange(count)
    (cos, sin), absolute = positions(config, config.table, modality, index)
    torch.testing.assert_close(cos[0], golden["rope_cos"], atol=5e-6, rtol=0)
    torch.testing.assert_close(sin[0], golden["rope_sin"], atol=5e-6, rtol=0)
    torch.testing.assert_close(absolute[0], golden["ape_table_fp32"], atol=0, rtol=0)


@pytest.mark.parametrize("case", ["v2m_like", "i2vm_like"])
def test_tables_of_mixed_sequences_equal_cosmos(case, monkeypatch):
    monkeypatch.setattr(UniMoConfig, "absolute_clock", lambda self, name: 1)  # Cosmos knows one clock
    golden, config = load_file(GOLDENS / "ar_mixed.safetensors"), golden_config(ape_mode="hidden_each_layer")
    table = config.table
    table["visual"] = replace(table["visual"], grid=(3, 4))
    modality, index = golden[f"{case}.modality"][None], golden[f"{case}.index_in_modality"][None]
    (cos, sin), absolute = positions(config, table, modality, index)
    torch.testing.assert_close(cos[0], golden[f"{case}.cos"], atol=5e-6, rtol=0)
    torch.testing.assert_close(sin[0], golden[f"{case}.sin"], atol=5e-6, rtol=0)
    torch.testing.assert_close(absolute[0], golden[f"{case}.ape"], atol=0, rtol=0)


def test_coordinates_of_motion():
    index, motion = torch.tensor([0, 35, 36 * 8 + 7]), Modality("motion", 512, (6, 6))
    assert coordinates_of(index, motion).tolist() == [[0, 0, 0], [0, 5, 5], [8, 1, 1]]
    assert coordinates_of(index, motion, ticks_per_unit=8)[2].tolist() == [1, 1, 1]


def test_the_ceiling_of_a_motion_codes_latent_time_is_its_latent_frame():
    motion, frames = Modality("motion", 512, (6, 6)), torch.arange(65) * 36
    time = coordinates_of(frames, motion, ticks_per_unit=8)[:, 0].ceil().long().tolist()
    assert time == [0] + [k for k in range(1, 9) for _ in range(8)]


def positions(config, table, modality, index):
    sequence = Sequence(table, modality, index, torch.zeros_like(index), torch.ones_like(index, dtype=torch.bool))
    return UniMoPositionEmbedding(config)(sequence, torch.float32)
