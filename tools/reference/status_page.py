"""Writes docs/reference/status.md, and the README with the same table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Optional

from docstrings import table

_BEGIN = "<!-- Written by `./bazelw run //tools/reference:update`; do not edit until the end. -->\n"
_END = "<!-- The end. -->\n"

_PAGE = """\
<!-- Written by `./bazelw run //tools/reference:update`; do not edit. -->

# Status

How far each platform is tried, and by which command. The table is `platforms/status.bzl`; the
README has it too. Nothing else is claimed to work.

{rows}

{states}

The first command is that of our own CI, on every change; the second was run manually, where it
shows more. The hosted CI (docs/howto/ci.md) is prepared for runs on Linux, on 64-bit ARM and on a
Mac, and was not turned on yet.
"""

_Try = dict[str, str]


def _cell(tried: Optional[_Try]) -> str:
    """Returns state, restriction and command."""
    if not tried:
        return ""
    if not tried["command"]:
        return tried["state"]
    note = f" ({tried['note']})" if tried["note"] else ""
    return f"**{tried['state']}**{note}: `{tried['command']}`"


def rows(status: dict[str, Any]) -> str:
    """Returns the table of machines and accelerators."""
    header = ["machine", "accelerator", "on every change", "manually"]
    cells = [
        [row["machine"], row["accelerator"], _cell(row["tested"]), _cell(row["tried"])]
        for row in status["rows"]
    ]
    return table(header, cells)


def page(status: dict[str, Any]) -> str:
    """Returns the page."""
    used = [attempt["state"] for row in status["rows"] for attempt in _attempts(row)]
    states = [[name, text] for name, text in status["states"] if name in used]
    return _PAGE.format(rows=rows(status), states=table(["state", "meaning"], states))


def _attempts(row: dict[str, Any]) -> list[_Try]:
    return [attempt for attempt in (row["tested"], row["tried"]) if attempt]


def with_status(readme: str, status: dict[str, Any]) -> str:
    """Returns the README with the table between its two marks.

    Raises:
        ValueError: it lacks a mark.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(
            f"the README lacks the lines around its table\nwrite them again: {_BEGIN}{_END}"
        )
    return f"{before}{begin}\n{rows(status)}\n\n{end}{after}"


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--status", type=Path, required=True, help="JSON of platforms/status.bzl")
    parser.add_argument("--readme", type=Path, required=True, help="the README as it is")
    parser.add_argument("--page", type=Path, required=True, help="the page to write")
    parser.add_argument("--new-readme", type=Path, required=True, help="the README to write")
    arguments = parser.parse_args()
    status = json.loads(arguments.status.read_text(encoding="utf-8"))
    readme = arguments.readme.read_text(encoding="utf-8")
    arguments.page.write_text(page(status), encoding="utf-8")
    arguments.new_readme.write_text(with_status(readme, status), encoding="utf-8")


if __name__ == "__main__":
    main()
