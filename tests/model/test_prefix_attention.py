# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from unimo_hf.model.prefix_attention import attend_with_prefix


class Heads(torch.nn.Module):
    """What an attention function reads off its module."""

    num_key_value_groups = 2
    is_causal = True


@pytest.mark.parametrize("prefix", [0, 1, 60, 250, 400])
@pytest.mark.parametrize("dropout", [0.0, 1e-9], ids=["pieces", "calls"])
def test_it_equals_attention_under_the_mask(prefix, dropout):
    """A dropout that is not zero selects the form with two calls; this small it drops nothing."""
    length = 400
    query, key, value = (torch.randn(2, heads, length + extra, 8) for heads, extra in ((4, 0), (2, 7), (2, 7)))
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    mask[:prefix, :prefix] = True
    repeated = (states[:, :, :length].repeat_interleave(2, dim=1) for states in (key, value))
    expected = scaled_dot_product_attention(query, *repeated, attn_mask=mask).transpose(1, 2)
    kwargs = {"scaling": 8**-0.5, "dropout": dropout}
    output = attend_with_prefix(sdpa_attention_forward, Heads(), query, key, value, prefix, **kwargs)
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
