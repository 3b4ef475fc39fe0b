"""docs/reference and the README against the sources of this moment."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pytest


def read(variable: str) -> str:
    return Path(os.environ[variable]).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["C_PAGE", "PYTHON_PAGE", "README", "RULES_PAGE", "STATUS_PAGE"])
def test_the_page_is_up_to_date(page: str) -> None:
    lines = difflib.unified_diff(
        read(page).splitlines(), read(f"{page}_NOW").splitlines(), "in the tree", "of the sources"
    )
    difference = "\n".join(lines)
    assert not difference, f"{difference}\n\nRun ./bazelw run //tools/reference:update"


def test_everything_public_is_documented() -> None:
    assert read("UNDOCUMENTED").splitlines() == []
