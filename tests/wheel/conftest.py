"""The wheels under test: each test runs once for every file that WHEELS names."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

WHEELS = [Path(path).resolve() for path in os.environ["WHEELS"].split()]


@pytest.fixture(scope="session", params=WHEELS, ids=lambda path: path.name)
def wheel(request: pytest.FixtureRequest) -> Path:
    """Returns one of the wheels."""
    return request.param


@pytest.fixture(scope="session")
def members(wheel: Path) -> dict[str, bytes]:
    """Its files: path -> contents."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}
