# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""transformers' own tests, which are not in the installed package, and how a test of them is left out.

`TRANSFORMERS_SOURCE` names a checkout of the installed version (the source distribution lacks half of the tests); it
needs the packages `parameterized` and `httpx`. Without the variable the files that ask for it are skipped. Their
markers are not ours, so that our options of pytest are left out; `RUN_SLOW=yes` adds what transformers calls slow:

    TRANSFORMERS_SOURCE=.../transformers python -m pytest -o addopts= tests/model/test_transformers_*.py
"""

import contextlib
import functools
import importlib
import os
import re
import sys
import unittest
from collections.abc import Callable
from types import ModuleType
from unittest import mock

import pytest

SOURCE = os.environ.get("TRANSFORMERS_SOURCE")


def transformers_tests(name: str) -> ModuleType:
    """Import a module of transformers' tests, or skip the file that asks for it."""
    if SOURCE is None:
        pytest.skip("TRANSFORMERS_SOURCE names no checkout of transformers' source", allow_module_level=True)
    if SOURCE not in sys.path:
        sys.path.insert(0, SOURCE)
    return importlib.import_module(f"tests.{name}")


def leave_out(table: dict[str, tuple[str, str]]) -> Callable[[type], type]:
    """Leave tests out of a class: `{name: (reason, pattern of the failure)}`.

    They are run all the same. One that passes, or fails in another way than its pattern says, is a failure: nothing is
    left out longer than it must be, and no other fault hides behind a reason.
    """

    def decorate(test_class: type) -> type:
        for name, (reason, pattern) in table.items():
            setattr(test_class, name, _expecting(getattr(test_class, name), reason, pattern))
        return test_class

    return decorate


def _expecting(test: Callable, reason: str, pattern: str) -> Callable:
    """Wrap a test: skipped with the reason if it fails as the pattern says."""

    @functools.wraps(test)
    def run(self: unittest.TestCase) -> None:
        with mock.patch.object(self, "subTest", return_value=contextlib.nullcontext()):
            try:
                test(self)
            except unittest.SkipTest as skip:
                raise AssertionError(f"transformers leaves it out itself ({skip}): take it out of the table") from skip
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
                if not re.search(pattern, found):
                    raise
            else:
                raise AssertionError("it passes: take it out of the table")
        self.skipTest(reason)

    return run
