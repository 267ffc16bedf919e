# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Cosmos' 5B and 13B models are ours plus an attention over text in every block; with that hung on, numbers agree.

It holds what they share with UniMo against the original: the absolute embedding in front of every block, and a first
token outside the grid.
"""

import torch
import torch.nn.functional as F
from convert_cosmos_ar import target_name
from cosmos_files import GOLDENS, golden_ar_weights
from safetensors.torch import load_file

from unimo_hf import UniMoConfig, UniMoForConditionalGeneration
from unimo_hf.model.sequences import Sequence

GOLDEN = load_file(GOLDENS / "ar_v2w.safetensors")
HEAD_DIM = 16


class TextAttention:
    """Adds attention over the context to what the self-attention of a block puts on the residual stream."""

    def __init__(self, layer, weights, context):
        self.weights, self.context, self.residual = weights, context, None
        layer.register_forward_pre_hook(self.keep_residual)
        layer.self_attn.register_forward_hook(self.add)

    def keep_residual(self, module, args):
        self.residual = args[0]

    def add(self, module, args, output):
        attention, attention_weights = output
        return attention + self.attend(self.residual + attention), attention_weights

    def attend(self, hidden):
        def norm(states, name):
            return F.rms_norm(states, states.shape[-1:], self.weights[name], 1e-5)

        def heads(states, name):
            return (
                F.linear(states, self.weights[f"cross_attention.{name}"]).unflatten(-1, (-1, HEAD_DIM)).transpose(1, 2)
            )

        query = norm(heads(norm(hidden, "cross_attention_norm"), "wq"), "cross_attention.q_norm")
        key, value = norm(heads(self.context, "wk"), "cross_attention.k_norm"), heads(self.context, "wv")
        attended = F.scaled_dot_product_attention(query, key, value, enable_gqa=True)
        return F.linear(attended.transpose(1, 2).flatten(2), self.weights["cross_attention.wo"])


@torch.no_grad()
def test_with_text_attention_our_blocks_give_the_logits_of_the_text_conditioned_model():
    weights = {key.removeprefix("model."): weight.float() for key, weight in golden_ar_weights("ar_v2w").items()}
    table = weights.pop("tok_embeddings.weight")  # 256 codes, the begin token, and filling up to a multiple of 64
    config = UniMoConfig(
        modalities=[
            {"name": "visual", "size": 256, "grid": [4, 6], "frames": 8},
            {"name": "motion", "size": 512, "grid": [6, 6]},
        ],
        hidden_size=64,
        intermediate_size=176,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=HEAD_DIM,
        ape_mode="hidden_each_layer",
    )
    model = UniMoForConditionalGeneration(config).eval()
    own = {target_name(key): weight for key, weight in weights.items() if target_name(key)}
    missing, unexpected = model.load_state_dict(own, strict=False)
    assert not unexpected
    assert all("embed_tokens" in name or name == "motion_head.weight" for name in missing)
    for index, layer in enumerate(model.model.layers):
        of_text = [key for key in weights if key.startswith(f"layers.{index}.cross_attention")]
        text = {key.split(".", 2)[2].removesuffix(".weight"): weights[key] for key in of_text}
        TextAttention(layer, text, GOLDEN["context"])
    tokens = GOLDEN["tokens"]
    assert (tokens[:, 0] == 256).all()
    modality = torch.ones_like(tokens)
    modality[:, 0] = 0
    index = torch.where(modality == 1, modality.cumsum(-1) - 1, 0)
    sequence = Sequence(
        config.table, modality, index, torch.zeros_like(index), torch.ones_like(index, dtype=torch.bool)
    )
    output = model(inputs_embeds=table[tokens], sequence=sequence)
    torch.testing.assert_close(output.logits[..., :256], GOLDEN["logits_full"], atol=2e-4, rtol=1e-4)
