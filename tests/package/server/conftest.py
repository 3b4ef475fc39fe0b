"""Fixtures of the server's suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Served, serve
from wheel_fixtures import model_path, random_models, run_python

__all__ = ["model_path", "random_models", "run_python", "served"]


@pytest.fixture(scope="module")
def served(model_path: str) -> Iterator[Served]:
    """Returns a server with the trained model, for the tests of a file."""
    with serve(model_path) as found:
        yield found
