"""Fixtures of tests whose counts are in the table of docs/caching.md: a module's `pytest_plugins`
names this file."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from counts import ROWS_FILE, Row

_UPDATE = "`python3 tests/caches/update_table.py` writes what the last test run counted"


@pytest.fixture(scope="module")
def table_rows() -> list[Row]:
    """Returns the lines that the module's tests have counted so far."""
    return []


@pytest.fixture
def assert_in_table(
    request: pytest.FixtureRequest, table_rows: list[Row]
) -> Iterator[Callable[[Row], None]]:
    """Yields a function that prints a line and keeps it for update_table.py.

    A line that the page does not have fails the test at its end, so that the rest of it runs too.
    """
    page = Path(os.environ["TABLE"]).read_text().splitlines()
    missing = []

    def check(line: Row) -> None:
        print(f"{request.node.name}: {line.line()}")
        table_rows.append(line)
        _write(table_rows)
        if line.line() not in page:
            missing.append(line.line())

    yield check
    assert missing == [], f"docs/caching.md says something else; {_UPDATE}"


def _write(rows: list[Row]) -> None:
    file = Path(os.environ["TEST_UNDECLARED_OUTPUTS_DIR"], ROWS_FILE)
    file.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
