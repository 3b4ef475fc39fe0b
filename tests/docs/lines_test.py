"""No line of the tree has more than 100 columns, but for rows of tables."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from prose import files, header

_COLUMNS = 100
# Suffix of a file -> rows of its tables.
_ROWS = {
    ".bzl": re.compile(r' +"[\w.+-]+\.whl": ("[\w.-]+ [0-9a-f]{64}( \w+)*",|\w+\()$'),  # pins
    ".md": re.compile(r" *\|"),
}


def long_lines(path: str, text: str) -> list[str]:
    """Returns places and lengths of the lines of a file that are too long."""
    suffix = PurePosixPath(path).suffix
    row = _ROWS.get(suffix)
    # The code of a patch is upstream's.
    lines = (header(text) if suffix == ".patch" else text).splitlines()
    return [
        f"{path}:{number}: {len(line)} columns"
        for number, line in enumerate(lines, start=1)
        if len(line) > _COLUMNS and not (row and row.match(line))
    ]


def test_every_line_fits() -> None:
    tree = list(files())
    assert len(tree) > 700
    found = [line for path, text in tree for line in long_lines(path, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "line", "fits"),
    [
        ("x.py", "x" * 100, True),
        ("x.py", "x" * 101, False),
        ("x.cpp", "é" * 100, True),
        ("x.md", "| " + "x" * 100, True),
        ("x.md", "See | " + "x" * 100, False),
        ("x.py", "| " + "x" * 100, False),
        ("pins.bzl", f'    "{"x" * 30}-1.0-py3-none-any.whl": "{"x" * 30} {"0" * 64}",', True),
        ("lock.bzl", f'    "{"x" * 30}-1.0-py3-none-any.whl": "x {"0" * 64} one two",', True),
        ("pins.bzl", f'    "{"x" * 30}-1.0-py3-none-any.whl": "{"x" * 80}",', False),
        ("pins.bzl", f'    "{"x" * 90}-1.0-py3-none-any.whl": wheel(', True),
        ("x.patch", "x" * 101, False),
        ("x.patch", "Why.\n\ndiff --git a/x b/x\n+" + "x" * 101, True),
    ],
)
def test_lines_that_fit(path: str, line: str, fits: bool) -> None:
    assert (long_lines(path, line) == []) is fits
