"""Fixtures: models that guess, and prompts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from wheel_fixtures import fresh, llm, load, model_path, random_models

__all__ = ["fresh", "llm", "load", "model_path", "random_models"]


def _directory(variable: str) -> Path:
    return Path(os.environ[variable]).absolute()


@pytest.fixture(scope="session")
def drafts() -> Path:
    """Returns the directory of heads for the trained model, and of models with a layer for it."""
    return _directory("LLAMA_TEST_DRAFTS_DIR")


@pytest.fixture(scope="session")
def architectures() -> Path:
    """Returns the directory of tiny models by architecture."""
    return _directory("LLAMA_TEST_ARCHITECTURES_DIR")


@pytest.fixture(scope="session")
def projectors() -> Path:
    """Returns the directory with <name>.gguf and mmproj-<name>.gguf of each pair."""
    return _directory("LLAMA_TEST_PROJECTORS_DIR")
