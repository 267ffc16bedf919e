# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""transformers' own tests of models, run on the networks beside the autoregressive model as they are."""

import unittest

import pytest
import torch
from transformers_source import leave_out, transformers_tests

from unimo_hf import DiffusionDecoder, DiffusionDecoderConfig, MotionVQVAE, MotionVQVAEConfig, VideoFSQ, VideoFSQConfig

pytestmark = pytest.mark.slow

common = transformers_tests("test_modeling_common")


class CodecTester:
    """A small model and random input."""

    batch_size = 2

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        return config, self.get_inputs(config)


class MotionVQVAETester(CodecTester):
    is_training = True
    settings: dict = {}

    def get_config(self):
        return MotionVQVAEConfig(widths=[8, 8, 8, 8], depth=1, codebook_size=16, **self.settings)

    def get_inputs(self, config):
        return {"motion": common.floats_tensor([self.batch_size, 9, config.motion_channels])}


class OneDecoderTester(MotionVQVAETester):
    """One decoder, and an encoder of single frames."""

    settings = {"experts": False, "frame_encoder": True, "codebook_dim": 4}


class VideoFSQTester(CodecTester):
    is_training = True

    def get_config(self):
        return VideoFSQConfig(channels=8, channel_multipliers=[1, 2, 2], num_res_blocks=1, levels=[8, 8, 8, 8])

    def get_inputs(self, config):
        return {"video": common.floats_tensor([self.batch_size, 3, 9, 32, 32])}


class DiffusionDecoderTester(CodecTester):
    is_training = False

    def get_config(self):
        sizes = {"codebook_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "attention_head_dim": 32}
        context = {"adaln_lora_dim": 8, "context_size": 24, "context_length": 6}
        return DiffusionDecoderConfig(**sizes, **context, decoder_widths=[8, 16, 16])

    def get_inputs(self, config):
        return {"visual_codes": common.ids_tensor([self.batch_size, 2, 2, 2], config.codebook_size)}


NO_TABLE = ("Its input is no tokens of text: there is no table to get or to set", "get_input_embeddings` not auto")


class CodecCommonTest(common.ModelTesterMixin):
    """What does not apply to convolutions, as transformers' own codecs have it."""

    has_attentions = False
    test_resize_embeddings = False

    def setUp(self):
        common.global_rng.seed(0)
        self.model_tester = self.tester()

    def test_model_outputs_equivalence(self):
        """As transformers' codecs have it: without hidden states."""
        config, inputs = self.model_tester.prepare_config_and_inputs_for_common()
        for model_class in self.all_model_classes:
            model = model_class(config).eval()
            expected = model(**inputs).to_tuple()
            for found, value in zip(model(**inputs, return_dict=False), expected, strict=True):
                torch.testing.assert_close(found, value)


# As transformers' own codecs (Encodec, Mimi, DAC) have it.
CODEC = {
    "test_model_get_set_embeddings": NO_TABLE,
    "test_hidden_states_output": (
        "A codec gives no hidden states",
        "unexpected keyword argument 'output_hidden_states'",
    ),
    "test_retain_grad_hidden_states_attentions": (
        "A codec gives no hidden states",
        "Output' object has no attribute 'hidden_states'",
    ),
}


CODEBOOK = {
    **CODEC,
    "test_init_weights_can_init_buffers": (
        "The codes of a new codebook are random, and a buffer because moving averages make them",
        r"meta device\):\n`codes` in module `Codebook` called from `MotionVQVAE`\n$",
    ),
}


@leave_out(CODEBOOK)
class MotionVQVAETest(CodecCommonTest, unittest.TestCase):
    tester, all_model_classes = MotionVQVAETester, (MotionVQVAE,)


@leave_out(CODEBOOK)
class OneDecoderTest(CodecCommonTest, unittest.TestCase):
    tester, all_model_classes = OneDecoderTester, (MotionVQVAE,)


@leave_out(CODEC)
class VideoFSQTest(CodecCommonTest, unittest.TestCase):
    tester, all_model_classes = VideoFSQTester, (VideoFSQ,)


NO_PASS = ("It has no forward pass: `decode` asks its network many times", "_forward_unimplemented|!= 'input'")


@leave_out(
    {
        "test_all_tensors_are_parameter_or_buffer": NO_PASS,
        "test_batching_equivalence": NO_PASS,
        "test_determinism": NO_PASS,
        "test_feed_forward_chunking": NO_PASS,
        "test_hidden_states_output": NO_PASS,
        "test_model_main_input_name": NO_PASS,
        "test_model_outputs_equivalence": NO_PASS,
        "test_retain_grad_hidden_states_attentions": NO_PASS,
        "test_save_load": NO_PASS,
        "test_model_get_set_embeddings": NO_TABLE,
        "test_can_load_ignoring_mismatched_shapes": (
            "It writes a number into every field with `_std` in its name; `latents_std` is a table of the latent",
            "'latents_std' expected a list, got float",
        ),
    }
)
class DiffusionDecoderTest(CodecCommonTest, unittest.TestCase):
    tester, all_model_classes = DiffusionDecoderTester, (DiffusionDecoder,)
