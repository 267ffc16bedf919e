# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch

from unimo_hf.model.configuration_motion_vqvae import MotionVQVAEConfig
from unimo_hf.model.modeling_motion_vqvae import MotionVQVAE
from unimo_hf.model.motion_windows import decode_in_windows, decoder_reach, encode_in_windows, encoder_reach

LAYOUTS = {
    "paper": {"widths": [8, 8, 8, 8], "codebook_dim": 3},
    "late": {"factors": [1, 1, 36], "widths": [16, 16, 8], "depth": 2, "dilation_growth": 1, "unit_codes": True},
    "frame encoder": {"factors": [1, 1, 36], "widths": [16, 16, 8], "frame_encoder": True, "unit_codes": True},
    "one decoder": {"factors": [2, 3], "widths": [16, 16], "experts": False},
}
FRAMES, WINDOW = 100, 30


def make(layout: str) -> MotionVQVAE:
    torch.manual_seed(0)
    model = MotionVQVAE(MotionVQVAEConfig(codebook_size=32, **LAYOUTS[layout])).eval()
    for parameter in model.parameters():  # residual branches that start at zero see nothing
        torch.nn.init.normal_(parameter, std=0.15)
    # Statistics of the first frame that are unlike those of the others: a window must not take a frame for the first.
    model.first_root_mean.fill_(3.0)
    model.first_root_std.fill_(0.1)
    return model


@pytest.mark.parametrize("layout", LAYOUTS)
def test_windows_give_the_numbers_of_one_pass(layout):
    model = make(layout)
    motion = torch.randn(2, FRAMES, 145)
    motion_codes = model.encode(motion)
    torch.testing.assert_close(encode_in_windows(model, motion, WINDOW), motion_codes)
    frames = model.decode(motion_codes)
    torch.testing.assert_close(decode_in_windows(model, motion_codes, WINDOW), frames, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(decode_in_windows(model, motion_codes, FRAMES - 1), frames, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_reach_covers_what_a_frame_depends_on_and_little_more(layout):
    model = make(layout)
    middle = FRAMES // 2
    motion = torch.randn(1, FRAMES, 145, requires_grad=True)
    latents = model.encode_latents(motion).unflatten(1, (FRAMES, -1))
    (gradient,) = torch.autograd.grad(latents[0, middle].sum(), motion)
    seen = (torch.arange(FRAMES)[gradient[0].abs().sum(1) > 0] - middle).abs().max().item()
    assert seen <= encoder_reach(model.config) <= seen + 3

    codes = model.config.codes_per_frame
    vectors = torch.randn(1, FRAMES * codes, model.config.code_width, requires_grad=True)
    (gradient,) = torch.autograd.grad(model.decode_latents(vectors)[0, middle].sum(), vectors)
    used = gradient[0].unflatten(0, (FRAMES, codes)).abs().sum((1, 2)) > 0
    seen = (torch.arange(FRAMES)[used] - middle).abs().max().item()
    assert seen <= decoder_reach(model.config) <= seen + 3


def test_no_pass_is_longer_than_a_window_and_its_neighbours(monkeypatch):
    model = make("paper")
    lengths = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda motion: lengths.append(motion.shape[1]) or encode(motion))
    assert encode_in_windows(model, torch.randn(1, FRAMES, 145), WINDOW).shape == (1, FRAMES, 36)
    assert len(lengths) == 4
    assert max(lengths) <= WINDOW + 2 * (encoder_reach(model.config) + 1)


def test_bad_input_is_named():
    model = make("one decoder")
    with pytest.raises(ValueError, match="window is 0"):
        encode_in_windows(model, torch.randn(1, 4, 145), 0)
    with pytest.raises(ValueError, match="at least 1 frame"):
        encode_in_windows(model, torch.randn(1, 0, 145))
    with pytest.raises(ValueError, match="`motion_codes` has shape"):
        decode_in_windows(model, torch.zeros(3, dtype=torch.long))
