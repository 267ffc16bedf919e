# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
import pytest
from key_matching import match_keys

TARGETS = {"model.a": (2, 3), "model.b": (4,), "model.new": (5,)}
SOURCES = {"a": (2, 3), "b": (4,)}


def target_of(key):
    return f"model.{key.removesuffix('.twin')}"


def test_every_target_has_its_source():
    assert match_keys(SOURCES, TARGETS, target_of, {"model.new"}) == {"model.a": "a", "model.b": "b"}


@pytest.mark.parametrize(
    ("sources", "counts", "names"),
    [
        (SOURCES | {"c": (1,)}, (1, 0, 0), ["c"]),
        (SOURCES | {"a.twin": (2, 3)}, (1, 0, 0), ["a.twin"]),
        (SOURCES | {"new": (5,)}, (1, 0, 0), ["new"]),
        ({"a": (2, 3)}, (0, 1, 0), ["model.b"]),
        ({"a": (3, 2), "b": (4,)}, (0, 0, 1), ["a: found [3, 2], expected [2, 3] (model.a)"]),
        ({"x": (1,), "b": (5,)}, (1, 1, 1), ["x", "model.a", "b: found [5]"]),
    ],
)
def test_the_three_lists(sources, counts, names):
    with pytest.raises(ValueError, match="nothing uses") as error:
        match_keys(sources, TARGETS, target_of, {"model.new"})
    headings = ("keys of the checkpoint that nothing uses", "weights of the model that nothing fills", "shapes that")
    for count, heading in zip(counts, headings, strict=True):
        assert f"{count} {heading}" in str(error.value)
    for name in names:
        assert f"\n  {name}" in str(error.value)
