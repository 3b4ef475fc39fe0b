"""The programs under test as modules, and one index on an address for all tests that only read it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

for program in ("WRITE_INDEX", "SERVE"):
    sys.path.insert(0, os.path.dirname(os.environ[program]))

import serve  # noqa: E402
import synthetic  # noqa: E402


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with whl/cpu, whl/cu13, whl/metal and pypi."""
    folder = tmp_path_factory.mktemp("index") / "site"
    synthetic.write_site(folder)
    return folder


@pytest.fixture(scope="session")
def url(site: Path) -> Iterator[str]:
    """Its address."""
    address, stop = serve.start(site)
    yield address
    stop()


@pytest.fixture
def serve_folder() -> Iterator[Callable[[Path], str]]:
    """Serves further folders until the test ends."""
    stops = []

    def start(folder: Path) -> str:
        address, stop = serve.start(folder)
        stops.append(stop)
        return address

    yield start
    for stop in stops:
        stop()
