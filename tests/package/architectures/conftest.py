"""Fixtures of the architectures' suite; LLAMA_TEST_ARCHITECTURES_DIR is a directory that
tests/models/random_architectures.py filled."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from turns import FORGETFUL
from wheel_fixtures import load, run_python

__all__ = ["architectures_dir", "load", "run_python"]


@pytest.fixture(scope="session")
def architectures_dir() -> Path:
    """Returns the directory of models, NAME.gguf each."""
    value = os.environ.get("LLAMA_TEST_ARCHITECTURES_DIR")
    if not value:
        raise pytest.UsageError(f"LLAMA_TEST_ARCHITECTURES_DIR is not set; see {__file__}")
    return Path(value)


@pytest.fixture
def open_forgetful(load: Callable[..., Any], architectures_dir: Path) -> Callable[..., Any]:
    """Returns a function that loads an architecture's model; its window forgets, if it has one."""

    def open_forgetful(name: str, **options: Any) -> Any:
        return load(str(architectures_dir / f"{name}.gguf"), **{**FORGETFUL, **options})

    return open_forgetful
