# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""transformers' own tests of tokenizers and processors, run on ours as they are.

Its tests of pipelines know the library's tasks alone, and read small models from the Hub by the name of a class: our
tasks have their own tests (`tests/pipelines`).
"""

import unittest

import pytest
from transformers_source import leave_out, transformers_tests

from unimo_hf import UniMoProcessor, UniMoTokenizer

pytestmark = pytest.mark.slow

tokenization = transformers_tests("test_tokenization_common")
processing = transformers_tests("test_processing_common")


class TokenizerTest(tokenization.TokenizerTesterMixin, unittest.TestCase):
    tokenizer_class = UniMoTokenizer

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        UniMoTokenizer([("visual", 20), ("motion", 10)], 6).save_pretrained(cls.tmpdirname)

    def get_clean_sequence(self, tokenizer, with_prefix_space=False, max_length=20, min_length=5):
        """Names of codes of both kinds, where the mixin looks for words."""
        names = [f"<{kind}:{code}>" for code in range(min(max_length or 20, 20) // 2) for kind in "vm"]
        text = " " * with_prefix_space + " ".join(names)
        return text, tokenizer.convert_tokens_to_ids(names)


class TokenizersBackendTest(tokenization.TokenizersBackendTesterMixin, unittest.TestCase):
    tokenizer_class = UniMoTokenizer

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        UniMoTokenizer([("visual", 20), ("motion", 10)], 6).save_pretrained(cls.tmpdirname)
        cls.tokenizers_list = [(UniMoTokenizer, cls.tmpdirname, {})]


NO_OPTIONS = ("A call has no options: clips and pictures are prepared as the model was trained", "has no options")


@leave_out({"test_model_input_names": NO_OPTIONS, "test_flat_kwarg_applied_when_modality_dict_lacks_it": NO_OPTIONS})
class ProcessorTest(processing.ProcessorTesterMixin, unittest.TestCase):
    processor_class = UniMoProcessor

    @classmethod
    def _setup_tokenizer(cls):
        return UniMoTokenizer([("visual", 20), ("motion", 10)], 6)

    @staticmethod
    def prepare_processor_dict():
        visual = {"name": "visual", "size": 20, "grid": [1, 1], "frames": 8}
        motion = {"name": "motion", "size": 10, "grid": [2, 2], "frames": 1}
        return {"size": 32, "frames": 9, "modalities": [visual, motion]}
