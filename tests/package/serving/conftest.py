"""Fixtures: the trained model with four slots, and the directory of projectors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from wheel_fixtures import model_path, random_models, run_python

from llama_cpp import Engine

__all__ = ["model_path", "random_models", "run_python"]


@pytest.fixture(scope="session")
def projectors() -> Path:
    """Returns the directory with <name>.gguf and mmproj-<name>.gguf of each pair."""
    return Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"]).absolute()


@pytest.fixture(scope="module")
def engine(model_path: str) -> Iterator[Engine]:
    """Returns the trained model with four slots."""
    with Engine(model_path, n_parallel=4, n_ctx=256, n_threads=2) as engine:
        yield engine
