"""A directory to publish in, for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

# Its assertions show their values only if pytest rewrites them.
pytest.register_assert_rewrite("sites")

from sites import Host  # noqa: E402


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)
