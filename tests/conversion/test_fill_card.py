# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Figures of a card are those of the evaluations that lie beside it."""

import json
from pathlib import Path

import pytest
from fill_card import END, START, filled

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "model_cards" / "results"


@pytest.mark.parametrize("card", ["model_cards/unimo-tiny.md", "unimo_hf/checkpoints/unimo-tiny/README.md"])
def test_the_card_holds_the_figures_of_the_results(card):
    text = (ROOT / card).read_text(encoding="utf-8")
    assert filled(text, RESULTS) == text


def test_figures_come_from_the_files(tmp_path):
    for file in RESULTS.glob("*.json"):
        result = json.loads(file.read_text(encoding="utf-8"))
        if "metrics" in result:
            result["metrics"]["mpjpe"] = 1234.5
        (tmp_path / file.name).write_text(json.dumps(result), encoding="utf-8")
    text = filled(f"before {START} old {END} after", tmp_path)
    assert text.startswith(f"before {START}\n")
    assert text.endswith(f"{END} after")
    assert text.count("1234.50") == 4
    assert " old " not in text


@pytest.mark.parametrize("card", ["", START, f"{END}{START}", f"{START}{END}{START}{END}"])
def test_a_card_without_a_place_for_them_is_refused(card):
    with pytest.raises(ValueError, match="one <!-- results -->"):
        filled(card, RESULTS)
