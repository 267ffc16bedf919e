# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""transformers' own tests of configurations, run on the four of ours as they are."""

import unittest

import pytest
from transformers_source import transformers_tests

from unimo_hf import DiffusionDecoderConfig, MotionVQVAEConfig, UniMoConfig, VideoFSQConfig

pytestmark = pytest.mark.slow

configurations = transformers_tests("test_configuration_common")

CONFIGURATIONS = {
    UniMoConfig: {"frames": 9, "hidden_size": 48, "interleaving": "aligned"},
    MotionVQVAEConfig: {"widths": [8, 8, 8, 8], "codebook_size": 16, "fps": 30.0},
    VideoFSQConfig: {"channels": 8, "levels": [8, 8, 8, 8]},
    DiffusionDecoderConfig: {"num_hidden_layers": 2, "decoder_widths": [8, 16, 16]},
}


class ConfigurationsTest(unittest.TestCase):
    def test_common(self):
        for config_class, values in CONFIGURATIONS.items():
            with self.subTest(config_class.__name__):
                is_text = config_class is UniMoConfig
                properties = None if is_text else list(values)
                tester = configurations.ConfigTester(self, config_class, is_text, properties, **values)
                tester.run_common_tests()
