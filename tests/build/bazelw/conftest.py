"""A machine for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

# Its assertions show their values only if pytest rewrites them.
pytest.register_assert_rewrite("machine")

from machine import Machine  # noqa: E402


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
