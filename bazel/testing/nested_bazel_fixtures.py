"""Fixtures of tests that run Bazel on a copy of the project: a module's `pytest_plugins` names this
file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def nested_folder() -> Iterator[Path]:
    """Yields a directory for a test's workspaces."""
    # Always the same directory: bazelw remembers something about each one.
    folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)
