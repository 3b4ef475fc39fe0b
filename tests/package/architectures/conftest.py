"""Fixtures of the architectures' suite; LLAMA_TEST_ARCHITECTURES_DIR is a directory that
tests/models/random_architectures.py filled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wheel_fixtures import load, run_python

__all__ = ["architectures_dir", "load", "run_python"]


@pytest.fixture(scope="session")
def architectures_dir() -> Path:
    """Returns the directory of models, NAME.gguf each."""
    value = os.environ.get("LLAMA_TEST_ARCHITECTURES_DIR")
    if not value:
        raise pytest.UsageError(f"LLAMA_TEST_ARCHITECTURES_DIR is not set; see {__file__}")
    return Path(value)
