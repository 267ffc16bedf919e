# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Names of the unified ids: `<v:123>` visual code 123, `<m:45>` motion code 45, `[T1]`, `[T2]`, `[STG]`, `<pad>`.

Strings serve logs, tests and tools. The way from codes to ids and back never touches them: see `encode_visual`,
`encode_motion` and `split`.
"""

from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import TokenizersBackend

from .vocabulary import MOTION, VISUAL, Vocabulary


class UniMoTokenizer(TokenizersBackend):
    """Tokenizer over the unified ids. Its file `tokenizer.json` also loads without this package.

    Args:
        visual_vocab_size (`int`, *optional*, defaults to 64000): Codes of the video tokenizer.
        motion_vocab_size (`int`, *optional*, defaults to 512): Codes of the motion tokenizer.
        num_special_tokens (`int`, *optional*, defaults to 64): Special rows.
        kwargs: As in transformers.

    Example:

    ```python
    >>> tokenizer = UniMoTokenizer()
    >>> tokenizer("[T1] <v:17> [STG] <m:3>").input_ids
    [64512, 17, 64514, 64003]
    ```
    """

    vocab_files_names = {"tokenizer_file": "tokenizer.json"}
    model_input_names = ["input_ids", "attention_mask"]
    model = WordLevel

    def __init__(
        self,
        visual_vocab_size: int = 64000,
        motion_vocab_size: int = 512,
        num_special_tokens: int = 64,
        **kwargs: Any,
    ) -> None:
        self.vocabulary = Vocabulary(visual_vocab_size, motion_vocab_size, num_special_tokens)
        special_names = self.vocabulary.special_names()
        names = [f"<v:{code}>" for code in range(visual_vocab_size)]
        names += [f"<m:{code}>" for code in range(motion_vocab_size)]
        ids = {name: index for index, name in enumerate(names + special_names)}
        self._tokenizer = Tokenizer(WordLevel(ids, unk_token="<unk>"))
        self._tokenizer.pre_tokenizer = WhitespaceSplit()
        # The table follows from the three sizes; a second copy of it has no place in `tokenizer_config.json`.
        kwargs.pop("vocab", None)
        options = {
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "extra_special_tokens": ["[T1]", "[T2]", "[STG]"],
            "padding_side": "left",
            "clean_up_tokenization_spaces": False,
        }
        super().__init__(
            visual_vocab_size=visual_vocab_size,
            motion_vocab_size=motion_vocab_size,
            num_special_tokens=num_special_tokens,
            **{**options, **kwargs},
        )

    def encode_visual(self, visual_codes: torch.LongTensor) -> torch.LongTensor:
        """Turn visual codes of any shape into ids of the same shape."""
        return self.vocabulary.visual_to_ids(visual_codes)

    def encode_motion(self, motion_codes: torch.LongTensor) -> torch.LongTensor:
        """Turn motion codes of any shape into ids of the same shape."""
        return self.vocabulary.motion_to_ids(motion_codes)

    def split(self, input_ids: torch.LongTensor) -> tuple[torch.LongTensor, torch.LongTensor]:
        """Take the codes of both modalities out of one sequence, each in its order; special tokens are dropped.

        Args:
            input_ids (`torch.LongTensor` of shape `(length,)`): Unified ids.

        Returns:
            Two `torch.LongTensor`: visual codes and motion codes.

        Raises:
            ValueError: If there is more than one sequence.
        """
        if input_ids.ndim != 1:
            raise ValueError(f"`input_ids` must be one sequence of shape (length,), found {tuple(input_ids.shape)}.")
        modality = self.vocabulary.modality(input_ids)
        visual, motion = input_ids[modality == VISUAL], input_ids[modality == MOTION]
        return self.vocabulary.ids_to_visual(visual), self.vocabulary.ids_to_motion(motion)


__all__ = ["UniMoTokenizer"]
