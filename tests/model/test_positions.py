# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import json

import pytest
import torch
from safetensors.torch import load_file
from unimo_cases import GOLDENS, golden_config

from unimo_hf.model.embedding_unimo import UniMoPositionEmbedding
from unimo_hf.model.positions import (
    absolute_table,
    axis_split,
    motion_coordinates,
    rotary_angles,
    rotary_frequencies,
    rotary_table,
    visual_coordinates,
)
from unimo_hf.model.tasks import SequenceLayout

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
    coordinates = visual_coordinates(positions, height, width)
    cos, sin = rotary_table(rotary_angles(coordinates, time, space))
    # Rows behind the grid are padding in the original.
    torch.testing.assert_close(cos[is_code], TABLES[f"{name}.cos"][is_code], atol=5e-6, rtol=0)
    torch.testing.assert_close(sin[is_code], TABLES[f"{name}.sin"][is_code], atol=5e-6, rtol=0)
    assert is_code.sum() >= 40


@pytest.mark.parametrize("name", [name for name in SETTINGS if name.startswith("ape")])
def test_absolute_tables_equal_cosmos(name):
    setting = SETTINGS[name]
    _, height, width = setting["latent_shape"]
    table = absolute_table(visual_coordinates(TABLES[f"{name}.positions"], height, width), setting["dim"])
    assert torch.equal(table, TABLES[f"{name}.table_fp32"])
    assert torch.equal(table.bfloat16(), TABLES[f"{name}.table_bf16"])
    assert table.square().mean().sqrt().item() == pytest.approx(0.5**0.5, abs=1e-3)


def test_with_a_small_base_channels_change_over_a_small_grid():
    coordinates = visual_coordinates(torch.arange(64), 8, 8)
    changing = [int((absolute_table(coordinates, 160, theta).std(dim=0) > 0.5).sum()) for theta in (10_000.0, 3.0)]
    assert changing == [12, 84]


@pytest.mark.parametrize(("file", "has_begin_token"), [("ar_base", False), ("ar_v2w", True)])
def test_tables_of_a_whole_sequence_equal_cosmos(file, has_begin_token):
    """The begin token of Cosmos, and its padding, stand nowhere, as our special tokens do."""
    golden, config = load_file(GOLDENS / f"{file}.safetensors"), golden_config(ape_mode="hidden_each_layer")
    count, rows = config.layout.num_visual_codes, len(golden["rope_cos"])
    first = int(has_begin_token)
    modality, index = torch.zeros(1, rows, dtype=torch.long), torch.zeros(1, rows, dtype=torch.long)
    modality[:, first : first + count] = 1
    index[:, first : first + count] = torch.arange(count)
    (cos, sin), absolute = UniMoPositionEmbedding(config)(modality, index, config.layout, torch.float32)
    torch.testing.assert_close(cos[0], golden["rope_cos"], atol=5e-6, rtol=0)
    torch.testing.assert_close(sin[0], golden["rope_sin"], atol=5e-6, rtol=0)
    torch.testing.assert_close(absolute[0], golden["ape_table_fp32"], atol=0, rtol=0)


@pytest.mark.parametrize("case", ["v2m_like", "i2vm_like"])
def test_tables_of_mixed_sequences_equal_cosmos(case):
    golden, config = (
        load_file(GOLDENS / "ar_mixed.safetensors"),
        golden_config(ape_mode="hidden_each_layer", ape_time_unit="frame"),
    )
    layout = SequenceLayout(2, 3, 4)
    modality, index = golden[f"{case}.modality"][None], golden[f"{case}.index_in_modality"][None]
    (cos, sin), absolute = UniMoPositionEmbedding(config)(modality, index, layout, torch.float32)
    torch.testing.assert_close(cos[0], golden[f"{case}.cos"], atol=5e-6, rtol=0)
    torch.testing.assert_close(sin[0], golden[f"{case}.sin"], atol=5e-6, rtol=0)
    torch.testing.assert_close(absolute[0], golden[f"{case}.ape"], atol=0, rtol=0)


def test_motion_coordinates():
    index = torch.tensor([0, 35, 36 * 8 + 7])
    assert motion_coordinates(index, 36, 6).tolist() == [[0, 0, 0], [0, 5, 5], [8, 1, 1]]
    assert motion_coordinates(index, 36, 6, frames_per_unit=8)[2].tolist() == [1, 1, 1]
    assert motion_coordinates(index, 36, 6, "line").tolist() == [[0, 0, 0], [0, 0, 35], [8, 0, 7]]
    assert motion_coordinates(index, 36, 6, "flat").tolist() == [[0, 0, 0], [35, 0, 0], [295, 0, 0]]
    with pytest.raises(ValueError, match="`layout` of motion positions"):
        motion_coordinates(index, 36, 6, "cube")


def test_the_ceiling_of_a_motion_codes_latent_time_is_its_latent_frame():
    layout = SequenceLayout(9, 32, 32)
    frames = torch.arange(layout.frames) * 36
    time = motion_coordinates(frames, 36, 6, frames_per_unit=8)[:, 0].ceil().long().tolist()
    assert time == [k for k in range(9) for _ in layout.frames_of_latent(k)]
