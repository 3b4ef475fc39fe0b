"""A Windows for the tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from programs import System
from wine import Wine, windows_path


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    wine = Wine(tmp_path_factory.mktemp("wine"))
    yield System(wine.run, library="{}.dll", program="{}.exe", path=windows_path)
    wine.end()
