# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""transformers' own tests of models, generation and training, run on the autoregressive model as they are."""

import unittest
from unittest import mock

import pytest
import torch
from transformers_source import leave_out, transformers_tests
from unimo_cases import random_sequences, tiny_config

from unimo_hf.model.modeling_unimo import UniMoForConditionalGeneration, UniMoModel
from unimo_hf.model.sequences import read_sequence

pytestmark = pytest.mark.slow

common = transformers_tests("test_modeling_common")
generation = transformers_tests("generation.test_utils")
training = transformers_tests("test_training_mixin")

# The tests look up in these tables what a class of transformers can be trained for.
common.MODEL_MAPPING_NAMES["unimo_ar"] = "UniMoModel"
common.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES["unimo_ar"] = "UniMoForConditionalGeneration"


VISUAL_CODES = 99


class UniMoTester:
    """A small model, random ids, and labels where a target stands."""

    is_training = True
    batch_size, seq_length, hidden_size = 13, 7, 32
    num_hidden_layers, num_attention_heads, num_key_value_heads = 2, 4, 2
    causal_lm_class = UniMoForConditionalGeneration
    settings: dict = {}

    def get_config(self):
        motion = {"name": "motion", "size": 10, "grid": [2, 2]}
        modalities = [{"name": "visual", "size": VISUAL_CODES, "grid": [2, 2], "frames": 8}, motion]
        sizes = {"modalities": modalities, "hidden_size": self.hidden_size, "head_dim": 16}
        return tiny_config(num_key_value_heads=self.num_key_value_heads, **sizes, **self.settings)

    def prepare_config_and_inputs_for_common(self):
        config = self.get_config()
        ids = self.get_ids(config)
        return config, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def get_labels(self, ids):
        vocabulary = self.get_config().vocabulary
        is_condition = (ids == vocabulary.special_id("[STG]")).flip(-1).cumsum(-1).flip(-1) > 0
        return ids.masked_fill(is_condition | (ids >= vocabulary.special_offset), -100)

    def random_ids(self, size):
        return torch.randint(size, (self.batch_size, self.seq_length), generator=torch.Generator().manual_seed(0))


class VisualCodesTester(UniMoTester):
    """Visual codes alone: Cosmos' own sequences."""

    def get_ids(self, config):
        return self.random_ids(VISUAL_CODES)


class MixedCodesTester(UniMoTester):
    """Codes of both kinds in any order, without a task."""

    def get_ids(self, config):
        return self.random_ids(config.vocabulary.special_offset)


class TasksTester(UniMoTester):
    """Rows of both tasks in turn, whose conditions end at different places."""

    seq_length = 16
    tasks = ("i2vm", "v2m")

    def get_ids(self, config):
        tasks = [self.tasks[row % len(self.tasks)] for row in range(self.batch_size)]
        rows = [random_sequences(config, task, batch=1, seed=row)[0] for row, task in enumerate(tasks)]
        return torch.cat(rows)[:, : self.seq_length]


class OneTableTester(TasksTester):
    """The Uni-Embed comparison: one table, one head, one rotary embedding; and a key head for each query head."""

    tasks = ("i2vm",)
    num_key_value_heads = 4
    settings = {"ablation": "uni_embed"}


PLACES = ("Places are coordinates on a grid: the scalings of text models are refused", "must be 'default' or")


@leave_out(
    {
        "test_model_get_set_embeddings": (
            "The embedding is a module of three tables (one for Uni-Embed) behind one id space",
            "is not an instance of <class 'torch.nn.modules.sparse.Embedding'>",
        ),
        "test_model_rope_scaling_from_config_0_linear": PLACES,
        "test_model_rope_scaling_from_config_1_dynamic": PLACES,
        "test_model_rope_scaling_from_config_2_yarn": PLACES,
    }
)
class UniMoCommonTest(common.ModelTesterMixin, generation.GenerationTesterMixin):
    all_model_classes = (UniMoModel, UniMoForConditionalGeneration)
    test_resize_embeddings = False  # refused with a sentence: the configuration gives the sizes of the tables

    def setUp(self):
        common.global_rng.seed(0)
        self.model_tester = self.tester()

    def _prepare_for_class(self, inputs_dict, model_class, return_labels=False):
        inputs = super()._prepare_for_class(inputs_dict, model_class, return_labels)
        if "labels" in inputs:
            inputs["labels"] = self.model_tester.get_labels(inputs["input_ids"])
        return inputs

    def _logits_scored_by_loss(self, model, logits):
        return logits[..., : model.config.vocabulary.special_offset]  # special tokens are no targets

    def test_generate_with_static_cache(self):
        """Two runs are compared, which wants the default of other models: greedy."""
        with mock.patch.object(UniMoForConditionalGeneration, "set_default_sampling"):
            super().test_generate_with_static_cache()

    def test_inputs_embeds_matches_input_ids(self):
        """Embeddings do not tell what stands where: it is given, as a caller must."""
        config, inputs = self.model_tester.prepare_config_and_inputs_for_common()
        sequence = read_sequence(inputs["input_ids"], config.vocabulary, config.table)
        super().test_inputs_embeds_matches_input_ids(sequence=sequence)

    def prepare_config_and_inputs_for_generate(self, batch_size=2):
        config, inputs = super().prepare_config_and_inputs_for_generate(batch_size)
        alone = self._testMethodName.startswith("test_generate_from_inputs_embeds")
        if alone and (inputs["input_ids"] >= VISUAL_CODES).any():
            del inputs["attention_mask"]  # the sign to compare embeddings with their ids, and not embeddings alone
        return config, inputs


class VisualCodesTest(UniMoCommonTest, training.TrainingTesterMixin, unittest.TestCase):
    tester = VisualCodesTester


class MixedCodesTest(UniMoCommonTest, unittest.TestCase):
    tester = MixedCodesTester


DRAFTS = ("Drafts do not know the grammar of the target: refused", "`assistant_model` is not supported")
ASSISTED = {
    "test_assisted_decoding_matches_greedy_search_0_random": DRAFTS,
    "test_assisted_decoding_matches_greedy_search_1_same": DRAFTS,
    "test_assisted_decoding_sample": DRAFTS,
}


@leave_out(ASSISTED)
class TasksTest(UniMoCommonTest, unittest.TestCase):
    tester = TasksTester


@leave_out(ASSISTED)
class OneTableTest(UniMoCommonTest, training.TrainingTesterMixin, unittest.TestCase):
    tester = OneTableTester
