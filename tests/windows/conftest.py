"""Wine, and a Windows in it, for the tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from programs import System
from wine import Wine, windows_path


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    wine = Wine(tmp_path_factory.mktemp("wine"))
    yield wine
    wine.end()


@pytest.fixture(scope="session")
def windows(wine: Wine) -> System:
    return System(wine.run, library="{}.dll", program="{}.exe", path=windows_path)
