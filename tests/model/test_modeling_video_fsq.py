# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from unimo_hf.model.configuration_video_fsq import VideoFSQConfig
from unimo_hf.model.finite_scalar_quantizer import FiniteScalarQuantizer
from unimo_hf.model.modeling_video_fsq import (
    DETAIL_GAIN,
    FrameNorm,
    SpatialConv,
    TemporalConv,
    VideoFSQ,
)

ROOT = Path(__file__).parents[2]
GOLDENS = ROOT / "tests" / "goldens" / "cosmos"
CASES = ("case0", "case1", "case2")


def name_in_video_fsq(name: str) -> str | None:
    """Name in `VideoFSQ` of a tensor of the original; None for buffers, which follow from the configuration."""
    if "patcher3d." in name or "quantizer." in name:
        return None
    return re.sub(r"\.norm(\.\w+)$", r"\1", name.replace(".conv3d", ""))


@pytest.fixture(scope="module")
def golden_model() -> VideoFSQ:
    weights = {}
    for file in ("dv_encoder", "dv_decoder"):
        for name, tensor in load_file(GOLDENS / f"{file}.safetensors").items():
            if name_in_video_fsq(name):
                weights[name_in_video_fsq(name)] = tensor.float()
    model = VideoFSQ(VideoFSQConfig(channels=8)).eval()
    model.load_state_dict(weights, strict=True)
    return model


@pytest.fixture(scope="module")
def golden_io() -> dict[str, torch.Tensor]:
    return load_file(GOLDENS / "dv_io.safetensors")


@pytest.fixture
def small_config() -> VideoFSQConfig:
    return VideoFSQConfig(channels=8, channel_multipliers=[1, 2, 2], num_res_blocks=1, levels=[8, 8, 8, 8])


def noisy_model(config: VideoFSQConfig) -> VideoFSQ:
    """A model in which every layer matters (a new one shows grey)."""
    torch.manual_seed(0)
    model = VideoFSQ(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def seeded_quantizer(levels: list[int]) -> FiniteScalarQuantizer:
    config = VideoFSQConfig(channels=4, channel_multipliers=[1, 1, 1], num_res_blocks=1, levels=levels)
    return VideoFSQ(config).quantizer


# ---------------------------------------------------------------------------- the original's numbers


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_encoder_equals_cosmos(golden_model, golden_io, case):
    pre_quant, quantized = golden_model.encode_features(golden_io[f"{case}.video"])
    torch.testing.assert_close(pre_quant, golden_io[f"{case}.pre_quant"], atol=5e-5, rtol=1e-4)
    torch.testing.assert_close(quantized, golden_io[f"{case}.codes"], atol=1e-6, rtol=0)
    visual_codes = golden_model.encode(golden_io[f"{case}.video"])
    assert visual_codes.dtype == torch.int64
    assert torch.equal(visual_codes, golden_io[f"{case}.indices"].long())


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_decoder_equals_cosmos(golden_model, golden_io, case):
    video = golden_model.decode(golden_io[f"{case}.indices"])
    torch.testing.assert_close(video, golden_io[f"{case}.reconstruction"], atol=5e-4, rtol=1e-4)


@torch.no_grad()
def test_patches_equal_cosmos(golden_model, golden_io):
    patches = golden_model.encoder.patcher3d
    torch.testing.assert_close(patches(golden_io["case2.video"]), golden_io["case2.patched"], atol=1e-5, rtol=1e-5)
    video = patches.inverse(golden_io["case2.patched"])
    torch.testing.assert_close(video, golden_io["case2.video"], atol=1e-5, rtol=1e-5)


def test_quantizer_equals_cosmos():
    golden = load_file(GOLDENS / "fsq.safetensors")
    quantizer = seeded_quantizer([8, 8, 8, 5, 5, 5])
    assert torch.equal(quantizer.basis, golden["basis"].long())
    quantized = quantizer(golden["z"])
    torch.testing.assert_close(quantized, golden["codes"], atol=1e-6, rtol=0)
    assert torch.equal(quantizer.codes_to_indices(quantized), golden["indices"].long())
    torch.testing.assert_close(
        quantizer.indices_to_codes(golden["query_indices"]), golden["query_codes"], atol=1e-6, rtol=0
    )


def test_whole_codebook_equals_cosmos_and_comes_back():
    facts = json.loads((GOLDENS / "fsq.json").read_text())
    quantizer = seeded_quantizer(facts["levels"])
    indices = torch.arange(facts["codebook_size"]).view(1, 1, 1, -1)
    codes = quantizer.indices_to_codes(indices)
    table = codes[0, :, 0, 0].T.contiguous().numpy()  # [64000, 6]
    assert hashlib.sha256(table.tobytes()).hexdigest() == facts["full_codebook_float32_row_major_sha256"]
    assert torch.equal(quantizer.codes_to_indices(codes), indices)


def test_paper_size_has_the_parameters_of_cosmos():
    with torch.device("meta"):
        model = VideoFSQ(VideoFSQConfig())
    count = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert round((count["encoder"] + count["quant_conv"]) / 1e6, 1) == 45.5
    assert round((count["decoder"] + count["post_quant_conv"]) / 1e6, 1) == 65.4


# ------------------------------------------------------------------- each layer against torch's own


@torch.no_grad()
def test_convolutions_are_conv3d():
    torch.manual_seed(0)
    hidden = torch.randn(2, 3, 5, 6, 4)
    spatial, temporal = SpatialConv(3, 7, 3), TemporalConv(3, 7, stride=2)
    for layer in (spatial, temporal):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    expected = nn.functional.conv3d(hidden, spatial.weight, spatial.bias, padding=(0, 1, 1))
    torch.testing.assert_close(spatial(hidden), expected, atol=1e-5, rtol=1e-5)
    padded = torch.cat([hidden[:, :, :1], hidden], dim=2)
    expected = nn.functional.conv3d(padded, temporal.weight, temporal.bias, stride=(2, 1, 1))
    torch.testing.assert_close(temporal(hidden), expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_picture_takes_the_short_way_through_time():
    convolution = TemporalConv(4, 6)
    for parameter in convolution.parameters():
        nn.init.normal_(parameter)
    picture = torch.randn(2, 4, 1, 3, 5)
    torch.testing.assert_close(convolution(picture), convolution(picture.repeat(1, 1, 2, 1, 1))[:, :, :1])


def test_a_new_encoder_sees_details_as_well_as_means(small_config):
    weight = VideoFSQ(small_config).encoder.conv_in[0].weight.detach()
    assert weight[:, 3:].std() / weight[:, :3].std() == pytest.approx(DETAIL_GAIN, rel=0.2)


@torch.no_grad()
def test_norm_is_a_group_norm_of_each_frame():
    hidden, norm = torch.randn(2, 4, 3, 5, 6), FrameNorm(4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    frames = [nn.functional.group_norm(hidden[:, :, t], 1, norm.weight, norm.bias, 1e-6) for t in range(3)]
    torch.testing.assert_close(norm(hidden), torch.stack(frames, dim=2), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("levels", [[8, 8, 8, 8], [5], [2, 3], [7, 5, 5, 5, 5]])
def test_quantizer_reaches_every_code_of_other_levels(levels):
    quantizer = seeded_quantizer(levels)
    indices = torch.arange(torch.tensor(levels).prod().item()).view(1, -1, 1, 1)
    codes = quantizer.indices_to_codes(indices)
    assert codes.shape == (1, len(levels), indices.numel(), 1, 1)
    assert codes.abs().max() <= 1
    assert torch.equal(quantizer.codes_to_indices(codes), indices)
    spread = quantizer(torch.linspace(-6, 6, 4001).view(1, 1, 1, 1, -1).expand(1, len(levels), 1, 1, -1))
    assert [spread[0, channel].unique().numel() for channel in range(len(levels))] == levels


def test_quantizer_passes_the_gradient_straight_through():
    quantizer = seeded_quantizer([8, 5])
    pre_quant = torch.randn(1, 2, 2, 3, 3, requires_grad=True)
    quantizer(pre_quant).sum().backward()
    assert (pre_quant.grad > 0).all()


def test_quantizer_rounds_in_float32():
    quantizer = seeded_quantizer([8, 8])
    pre_quant = torch.randn(1, 2, 4, 8, 8).bfloat16()
    assert quantizer(pre_quant).dtype == torch.float32
    assert torch.equal(quantizer(pre_quant), quantizer(pre_quant.float()))


# ---------------------------------------------------------------------------------- the whole model


@pytest.mark.parametrize(("frames", "latent_frames"), [(1, 1), (9, 2), (17, 3)])
@torch.no_grad()
def test_shapes(small_config, frames, latent_frames):
    model = noisy_model(small_config)
    video = torch.rand(2, 3, frames, 32, 48) * 2 - 1
    out = model(video)
    assert out.visual_codes.shape == (2, latent_frames, 2, 3)
    assert out.quantized.shape == out.pre_quant.shape == (2, 4, latent_frames, 2, 3)
    assert out.reconstruction.shape == video.shape
    torch.testing.assert_close(out.loss, (out.reconstruction - video).abs().mean())
    assert torch.equal(out.visual_codes, model.encode(video))
    torch.testing.assert_close(model.decode(out.visual_codes), out.reconstruction, atol=1e-3, rtol=1e-3)
    assert model(video, return_loss=False).loss is None


@torch.no_grad()
def test_is_causal_both_ways(golden_model, golden_io):
    video, codes = golden_io["case0.video"], golden_io["case0.indices"].long()
    whole = golden_model.encode_features(video)[0]
    decoded = golden_model.decode(codes)
    for latent_frames in (1, 2):
        frames = 8 * (latent_frames - 1) + 1
        prefix = golden_model.encode_features(video[:, :, :frames])[0]
        torch.testing.assert_close(prefix, whole[:, :, :latent_frames], atol=1e-5, rtol=1e-5)
        prefix = golden_model.decode(codes[:, :latent_frames])
        torch.testing.assert_close(prefix, decoded[:, :, :frames], atol=1e-4, rtol=1e-5)


def test_every_parameter_learns(small_config):
    model = noisy_model(small_config)
    (model(torch.rand(1, 3, 9, 32, 32) * 2 - 1).loss * 1000).backward()
    assert not [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]


@torch.no_grad()
def test_a_new_model_shows_grey(small_config):
    model = VideoFSQ(small_config)
    assert not model.decode(torch.randint(4096, (1, 2, 2, 2))).any()
    block, hidden = model.encoder.mid.block_1, torch.randn(1, 16, 2, 4, 4)
    assert torch.equal(block(hidden), hidden)


def test_checkpointed_gradient_is_the_same(small_config):
    model = noisy_model(small_config)
    video = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    gradients = []
    for checkpointing in (False, True):
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.train().zero_grad()
        model(video).loss.backward()
        gradients.append(model.encoder.conv_in[0].weight.grad.clone())
    torch.testing.assert_close(*gradients)


def test_autocast_keeps_the_output_in_float32(small_config):
    model = noisy_model(small_config)
    video = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(video)
    assert out.reconstruction.dtype == out.loss.dtype == out.quantized.dtype == torch.float32
    torch.testing.assert_close(out.loss, model(video).loss, atol=0.05, rtol=0.05)
    out.loss.backward()
    assert model.encoder.conv_in[0].weight.grad.isfinite().all()


def test_activations_stay_channels_last(small_config):
    """A layer that changes the layout is several times as slow and shows in nothing but time."""
    model, strays = VideoFSQ(small_config).eval(), []

    def check(name):
        def hook(module, inputs, output):
            if not output.is_contiguous(memory_format=torch.channels_last_3d):
                strays.append(name)

        return hook

    for name, module in model.named_modules():
        if isinstance(module, SpatialConv | TemporalConv | FrameNorm):
            module.register_forward_hook(check(name))
    with torch.no_grad():
        model(torch.rand(2, 3, 17, 64, 64))
    assert not strays


def test_a_clean_process_loads_what_was_saved(small_config, tmp_path):
    model = noisy_model(small_config)
    video = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    with torch.no_grad():
        out = model(video)
    model.save_pretrained(tmp_path)
    save_file({"video": video}, tmp_path / "video.safetensors")
    program = (
        "import sys, torch\n"
        "from safetensors.torch import load_file, save_file\n"
        "from unimo_hf.model.modeling_video_fsq import VideoFSQ\n"
        "model = VideoFSQ.from_pretrained(sys.argv[1])\n"
        "with torch.no_grad():\n"
        "    out = model(load_file(sys.argv[1] + '/video.safetensors')['video'])\n"
        "out = {'codes': out.visual_codes, 'video': out.reconstruction.contiguous()}\n"
        "save_file(out, sys.argv[1] + '/out.safetensors')\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=ROOT)
    again = load_file(tmp_path / "out.safetensors")
    assert torch.equal(again["codes"], out.visual_codes)
    torch.testing.assert_close(again["video"], out.reconstruction, atol=1e-6, rtol=1e-6)


def test_a_bfloat16_model_runs(small_config, tmp_path):
    VideoFSQ(small_config).save_pretrained(tmp_path)
    model = VideoFSQ.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert model.decode(model.encode(torch.zeros(1, 3, 1, 16, 16))).dtype == torch.bfloat16
    assert model.quantizer.level_sizes.tolist() == [8, 8, 8, 8]


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("video", "found"),
    [
        (torch.zeros(1, 3, 8, 32, 32), r"`video` has 8 frames; it must have 8 \* k \+ 1"),
        (torch.zeros(1, 3, 0, 32, 32), "`video` has 0 frames"),
        (torch.zeros(1, 3, 9, 30, 32), "`video` is 30 x 32 pixels"),
        (torch.zeros(1, 3, 9, 32, 0), "`video` is 32 x 0 pixels"),
        (torch.zeros(0, 3, 9, 32, 32), "`video` is an empty batch"),
        (torch.zeros(1, 4, 9, 32, 32), r"`video` has shape \(1, 4, 9, 32, 32\); it must be \[batch, 3,"),
        (torch.zeros(3, 9, 32, 32), r"`video` has shape \(3, 9, 32, 32\)"),
        (torch.zeros(1, 3, 9, 32, 32, dtype=torch.uint8), "`video` is torch.uint8; it must be floating point"),
    ],
)
def test_wrong_videos_are_refused(small_config, video, found):
    with pytest.raises(ValueError, match=found):
        VideoFSQ(small_config).encode(video)


@pytest.mark.parametrize(
    ("visual_codes", "found"),
    [
        (torch.zeros(1, 1, 2, 2), "`visual_codes` is torch.float32; it must hold integers"),
        (torch.zeros(1, 2, 2, dtype=torch.long), r"`visual_codes` has shape \(1, 2, 2\)"),
        (torch.zeros(1, 0, 2, 2, dtype=torch.long), r"`visual_codes` has shape \(1, 0, 2, 2\)"),
        (torch.full((1, 1, 2, 2), 4096), "`visual_codes` holds 4096 to 4096; allowed is 0 to 4095"),
        (torch.full((1, 1, 2, 2), -1), "`visual_codes` holds -1 to -1"),
    ],
)
def test_wrong_codes_are_refused(small_config, visual_codes, found):
    with pytest.raises(ValueError, match=found):
        VideoFSQ(small_config).decode(visual_codes)
