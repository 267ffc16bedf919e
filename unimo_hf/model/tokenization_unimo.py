# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Names of the unified ids: `<v:123>` visual code 123, `<m:45>` motion code 45, `[T1]`, `[T2]`, `[STG]`, `<pad>`.

Strings serve logs, tests and tools. The way from codes to ids and back never touches them: see [`Vocabulary`].
"""

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import TokenizersBackend

from .paper_modalities import SIZES
from .vocabulary import PAD, START_OF_TARGET, UNKNOWN, Vocabulary


class UniMoTokenizer(TokenizersBackend):
    """Tokenizer over the unified ids. Its file `tokenizer.json` also loads without this package.

    Args:
        sizes (`Sequence[tuple[str, int]]`, *optional*): Name and rows of each modality; by default those of the paper.
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
        self, sizes: Sequence[tuple[str, int]] | None = None, num_special_tokens: int = 64, **kwargs: Any
    ) -> None:
        # Version 0.1 saved the sizes of the paper's two modalities one by one.
        former = {name: kwargs.pop(f"{name}_vocab_size", size) for name, size in SIZES.items()}
        self.vocabulary = Vocabulary(dict(sizes or former.items()), num_special_tokens)
        ids = {name: index for index, name in enumerate(self.vocabulary.names())}
        self._tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
        self._tokenizer.pre_tokenizer = WhitespaceSplit()
        # The table follows from the three sizes; a second copy of it has no place in `tokenizer_config.json`.
        kwargs.pop("vocab", None)
        options = {
            "unk_token": UNKNOWN,
            "pad_token": PAD,
            "extra_special_tokens": ["[T1]", "[T2]", START_OF_TARGET],
            "padding_side": "left",
            "clean_up_tokenization_spaces": False,
        }
        super().__init__(
            sizes=[list(item) for item in self.vocabulary.sizes.items()],
            num_special_tokens=num_special_tokens,
            **{**options, **kwargs},
        )


__all__ = ["UniMoTokenizer"]
