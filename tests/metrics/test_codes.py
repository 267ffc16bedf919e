# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import math

import pytest
import torch
from metric_goldens import EXPECTED, load_golden

from unimo_hf.metrics.codes import codebook_use, next_code_entropy


def test_codebook_use_golden():
    expected = EXPECTED["codebook"]
    use = codebook_use(load_golden("codebook")["tokens"], expected["B"])
    assert use.distinct == expected["distinct"]
    assert use.utilisation_percent == pytest.approx(expected["utilisation_percent"], abs=1e-6)
    assert use.perplexity == pytest.approx(expected["perplexity"], rel=1e-6)


def test_entropy_of_a_batch_golden():
    use = codebook_use(load_golden("quantiser")["exp_indices"], 16)
    assert math.log(use.perplexity) == pytest.approx(EXPECTED["quantiser"]["entropy"], abs=1e-5)


def test_codebook_use_by_hand():
    use = codebook_use(torch.tensor([[0, 0], [3, 3]]), 8)
    assert (use.distinct, use.utilisation_percent) == (2, 25.0)
    assert use.perplexity == pytest.approx(2)


def random_codes(clips: int = 40) -> torch.Tensor:
    return torch.randint(0, 8, (clips, 30, 4), generator=torch.Generator().manual_seed(0))


def test_random_codes_can_not_be_guessed():
    for order in range(3):
        assert next_code_entropy(random_codes(), 8, order) == pytest.approx(3, abs=0.02)


def test_what_each_order_knows():
    by_slot = torch.arange(4).expand(10, 30, -1)
    assert next_code_entropy(by_slot, 8, 0) < 0.05
    same_as_before = random_codes()[:, :1].expand(-1, 30, -1)  # each slot keeps its code
    orders = [next_code_entropy(same_as_before, 8, order) for order in range(3)]
    assert orders[0] > 2.9
    assert orders[1] < 0.5
    first = random_codes()[..., :1]
    copied = first.expand(-1, -1, 4)  # the slots of a frame are equal, frames are not
    orders = [next_code_entropy(copied, 8, order) for order in range(3)]
    assert min(orders[:2]) > 2.9
    assert orders[2] < 3 * (1 / 4) + 0.6


def test_the_halves_are_learnt_from_each_other():
    codes = random_codes()
    codes[:20] %= 4
    codes[20:] = codes[20:] % 4 + 4
    assert next_code_entropy(codes, 8, 0) > 3  # what one half shows is never seen in the other


def test_one_clip_has_nothing_to_count_in():
    with pytest.warns(UserWarning, match="One clip alone"):
        assert next_code_entropy(random_codes(1), 8) == 3


def test_single_frames_and_codes():
    assert math.isfinite(next_code_entropy(torch.zeros(2, 1, 1, dtype=torch.long), 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: codebook_use(torch.tensor([512]), 512), "0 to 511"),
        (lambda: codebook_use(torch.tensor([], dtype=torch.long), 512), "empty"),
        (lambda: next_code_entropy(random_codes(), 7), "0 to 6"),
        (lambda: next_code_entropy(random_codes()[0], 8), r"\(clips, frames, codes_per_frame\)"),
        (lambda: next_code_entropy(random_codes(), 8, 3), "allowed are 0, 1 and 2"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
