# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""What a forward pass knows about its tokens, and what all rows of a batch have in common."""

from dataclasses import dataclass

import torch


@dataclass
class SequenceStructure:
    """Modality, place and role of every token of a batch.

    Args:
        modality (`torch.LongTensor` of shape `(batch or 1, length)`): 0 special, 1 visual, 2 motion; one row when all
            rows are alike.
        modality_index (`torch.LongTensor` of the same shape): Index of a code inside its modality.
        token_type_ids (`torch.LongTensor` of shape `(batch, length)`): 0 condition, 1 target.
        prefix_length (`int`, *optional*): Length of the condition when all rows share it and nothing is padded.
    """

    modality: torch.Tensor
    modality_index: torch.Tensor
    token_type_ids: torch.Tensor
    prefix_length: int | None = None

    def find_common(self, attention_mask: torch.Tensor | None, can_attend_in_parts: bool) -> None:
        """Keep one row of positions if all rows are alike, and set `prefix_length` if they can be attended in parts.

        Costs one synchronisation of the device; does nothing where values can't be read (`meta`, `torch.compile`).

        Args:
            attention_mask (`torch.Tensor`, *optional*): 1 for tokens, 0 for padding; one of 4 axes is used as it is.
            can_attend_in_parts (`bool`): Whether the attention of the model has the form without a mask.
        """
        modality, index, types = self.modality, self.modality_index, self.token_type_ids
        if modality.device.type == "meta" or torch.compiler.is_compiling():
            return
        is_plain = attention_mask is None or attention_mask.ndim == 2
        none = torch.zeros((), dtype=torch.bool, device=types.device)
        padded = (attention_mask == 0).any() if attention_mask is not None and is_plain else none
        differ = (modality != modality[:1]).any() | (index != index[:1]).any()
        irregular = (types != types[:1]).any() | (types[0].diff() < 0).any()
        facts = torch.stack([padded, differ, irregular]).long()
        is_padded, rows_differ, is_irregular, prefix = torch.cat([facts, (types[:1] == 0).sum(-1)]).tolist()
        if not rows_differ:
            self.modality, self.modality_index = modality[:1], index[:1]
        if can_attend_in_parts and is_plain and not (is_padded or is_irregular):
            self.prefix_length = prefix
