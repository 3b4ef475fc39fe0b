"""The tree that the tests of this directory read."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the project."""
    folder = tmp_path_factory.mktemp("tree")
    with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as archive:
        archive.extractall(folder)
    return folder
