# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""transformers' own tests of models, run on ours as they are.

They are not in the installed package: `TRANSFORMERS_SOURCE` names a checkout of the same version, which needs the
package `parameterized`. Their markers are not ours, so that our options of pytest are left out.

    TRANSFORMERS_SOURCE=.../transformers python -m pytest -o addopts= tests/model/test_transformers_common.py

The ids are random visual codes without a task, so that no grammar holds. A test that cannot apply is skipped by name.
"""

import importlib
import os
import sys
import unittest

import pytest
import torch
from unimo_cases import tiny_config

from unimo_hf import MotionVQVAE, MotionVQVAEConfig, VideoFSQ, VideoFSQConfig
from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel

pytestmark = pytest.mark.slow

SOURCE = os.environ.get("TRANSFORMERS_SOURCE")
if SOURCE is None:
    pytest.skip("TRANSFORMERS_SOURCE names no checkout of transformers' source", allow_module_level=True)
sys.path.insert(0, SOURCE)
common = importlib.import_module("tests.test_modeling_common")
generation = importlib.import_module("tests.generation.test_utils")
training = importlib.import_module("tests.test_training_mixin")

# The tests look up in these tables what a class of transformers can be trained for.
common.MODEL_MAPPING_NAMES["unimo_ar"] = "UniMoModel"
common.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES["unimo_ar"] = "UniMoForConditionalGeneration"


class UniMoTester:
    """A small model and random visual codes."""

    is_training = True
    batch_size, seq_length, hidden_size = 13, 7, 32
    num_hidden_layers, num_attention_heads, num_key_value_heads = 2, 4, 2
    causal_lm_class = UniMoForConditionalGeneration

    def get_config(self):
        return tiny_config(visual_vocab_size=99, hidden_size=self.hidden_size, head_dim=16)

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        ids = common.ids_tensor([self.batch_size, self.seq_length], 99)
        return config, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


class UniMoCommonTest(
    common.ModelTesterMixin, generation.GenerationTesterMixin, training.TrainingTesterMixin, unittest.TestCase
):
    all_model_classes = (UniMoModel, UniMoForConditionalGeneration)
    test_resize_embeddings = False  # refused with a sentence: the configuration gives the sizes of the tables

    def setUp(self):
        self.model_tester = UniMoTester()

    def _logits_scored_by_loss(self, model, logits):
        return logits[..., : model.config.vocabulary.special_offset]  # special tokens are no targets

    @unittest.skip("The embedding is three tables behind one id space and not one nn.Embedding")
    def test_model_get_set_embeddings(self):
        pass

    @unittest.skip("Places are coordinates on a grid: another `rope_type` than ours is refused")
    def test_model_rope_scaling_from_config_0_linear(self):
        pass

    @unittest.skip("Places are coordinates on a grid: another `rope_type` than ours is refused")
    def test_model_rope_scaling_from_config_1_dynamic(self):
        pass

    @unittest.skip("Places are coordinates on a grid: another `rope_type` than ours is refused")
    def test_model_rope_scaling_from_config_2_yarn(self):
        pass


class TokenizerCommonTest(common.ModelTesterMixin):
    """What does not apply to a convolutional codec, as transformers' own codecs have it."""

    has_attentions = False
    test_resize_embeddings = False

    @unittest.skip("A codec has no token embeddings")
    def test_model_get_set_embeddings(self):
        pass

    def test_model_outputs_equivalence(self):
        """As transformers' codecs have it: without hidden states."""
        config, inputs = self.model_tester.prepare_config_and_inputs_for_common()
        for model_class in self.all_model_classes:
            model = model_class(config).eval()
            expected = model(**inputs).to_tuple()
            for found, value in zip(model(**inputs, return_dict=False), expected, strict=True):
                torch.testing.assert_close(found, value)

    @unittest.skip("A codec gives no hidden states")
    def test_hidden_states_output(self):
        pass

    @unittest.skip("A codec gives no hidden states")
    def test_retain_grad_hidden_states_attentions(self):
        pass


class MotionVQVAETester:
    is_training, batch_size = True, 2

    def get_config(self):
        return MotionVQVAEConfig(widths=[8, 8, 8, 8], depth=1, codebook_size=16)

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        return config, {"motion": common.floats_tensor([self.batch_size, 9, config.motion_channels])}


class MotionVQVAECommonTest(TokenizerCommonTest, unittest.TestCase):
    all_model_classes = (MotionVQVAE,)

    def setUp(self):
        self.model_tester = MotionVQVAETester()

    @unittest.skip("The codes of a new codebook are random, and a buffer, because moving averages make them")
    def test_init_weights_can_init_buffers(self):
        pass


class VideoFSQTester:
    is_training, batch_size = True, 2

    def get_config(self):
        return VideoFSQConfig(channels=8, channel_multipliers=[1, 2, 2], num_res_blocks=1, levels=[8, 8, 8, 8])

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        return config, {"video": common.floats_tensor([self.batch_size, 3, 9, 32, 32])}


class VideoFSQCommonTest(TokenizerCommonTest, unittest.TestCase):
    all_model_classes = (VideoFSQ,)

    def setUp(self):
        self.model_tester = VideoFSQTester()
