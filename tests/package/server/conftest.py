"""Fixtures of the server's suites."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Served, serve
from wheel_fixtures import model_path, random_models, run_python

__all__ = ["model_path", "random_models", "run_python", "served"]


@pytest.fixture(scope="session")
def projectors() -> Path:
    """Returns the directory with <name>.gguf and mmproj-<name>.gguf of each pair."""
    return Path(os.environ["LLAMA_TEST_PROJECTORS_DIR"]).absolute()


@pytest.fixture(scope="module")
def served(model_path: str) -> Iterator[Served]:
    """Returns a server with the trained model, for the tests of a file."""
    with serve(model_path) as found:
        yield found
