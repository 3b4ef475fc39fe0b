"""Applies unified diffs to other sources than their original ones, and adapts their line numbers.

Debian's Bazel 7.7 applies a hunk at its line or not at all, so a hunk whose lines have moved gets
new numbers here.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Iterator

_FILE = re.compile(r"^\+\+\+ b/(\S+)")
_HUNK = re.compile(r"^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@(.*)$")


@dataclasses.dataclass
class Hunk:
    """A hunk.

    Attributes:
        file: The file that it changes.
        line: Where its lines were.
        lines: Its lines with their marks.
        header: Index of its first line in the patch.
    """

    file: str
    line: int
    lines: list[str]
    header: int

    def side(self, mark: str) -> list[str]:
        """Returns the lines before (`-`) or after (`+`) the hunk."""
        return [line[1:] for line in self.lines if line[:1] in (" ", mark)]

    def __str__(self) -> str:
        return "\n".join([f"{self.file}, once at line {self.line}:", *self.lines])


@dataclasses.dataclass
class Result:
    """The result of a patch.

    Attributes:
        name: Its name.
        text: The patch, with the present line numbers in its hunks.
        moved: Number of hunks with new line numbers.
        failed: Hunks that don't apply.
        ambiguous: Hunks whose lines the file has more than once.
        is_upstream: Whether the sources contain the failed hunks already.
    """

    name: str
    text: str
    moved: int = 0
    failed: list[Hunk] = dataclasses.field(default_factory=list)
    ambiguous: list[Hunk] = dataclasses.field(default_factory=list)
    is_upstream: bool = False


def parse(text: str) -> list[Hunk]:
    """Returns the hunks of a patch."""
    return list(_hunks(text.split("\n")))


def _hunks(lines: list[str]) -> Iterator[Hunk]:
    file, position = "", 0
    while position < len(lines):
        named = _FILE.match(lines[position])
        begin = _HUNK.match(lines[position])
        position += 1
        if named:
            file = named[1]
        if not begin:
            continue
        header = position - 1
        old, new = (int((begin[group] or ",1")[1:]) for group in (2, 4))
        body: list[str] = []
        while old > 0 or new > 0:
            line = lines[position]
            position += 1
            if line.startswith("\\"):
                continue
            old -= line[:1] != "+"
            new -= line[:1] != "-"
            # An editor may have stripped the blank of an empty line of context.
            body.append(line or " ")
        yield Hunk(file, int(begin[1]), body, header)


class Tree:
    """The files of a source tree with patches applied in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, list[str]] = {}

    def apply(self, name: str, text: str) -> Result:
        """Applies the hunks that fit, each nearest to its line as the hunk before has moved."""
        result = Result(name, text)
        patch = text.split("\n")
        # File -> lines that the hunks before have added, and by how much the last one had moved.
        added: dict[str, int] = {}
        moved: dict[str, int] = {}
        for hunk in parse(text):
            lines, before, after = self._file(hunk.file), hunk.side("-"), hunk.side("+")
            growth = added.setdefault(hunk.file, 0)
            if not before and not lines:
                # A new file.
                lines += after
                continue
            places = _places(lines, before)
            if not places:
                result.failed.append(hunk)
                continue
            expected = hunk.line - 1 + growth + moved.get(hunk.file, 0)
            place = min(places, key=lambda place, to=expected: abs(place - to))
            if len(places) > 1 and place != expected:
                result.ambiguous.append(hunk)
            moved[hunk.file] = place - growth - (hunk.line - 1)
            result.moved += moved[hunk.file] != 0
            patch[hunk.header] = _header(patch[hunk.header], place + 1 - growth, place + 1)
            lines[place : place + len(before)] = after
            added[hunk.file] += len(after) - len(before)
        result.text = "\n".join(patch)
        result.is_upstream = bool(result.failed) and all(
            _places(self._file(hunk.file), hunk.side("+")) for hunk in result.failed
        )
        return result

    def _file(self, name: str) -> list[str]:
        if name not in self._lines:
            path = self._folder / name
            is_there = path.is_file()
            self._lines[name] = path.read_text(encoding="utf-8").split("\n") if is_there else []
        return self._lines[name]


def _header(line: str, old: int, new: int) -> str:
    match = _HUNK.match(line)
    assert match
    return f"@@ -{old}{match[2] or ''} +{new}{match[4] or ''} @@{match[5]}"


def _places(lines: list[str], wanted: list[str]) -> list[int]:
    """Returns every index at which lines are found; none for no lines."""
    return [
        place
        for place in range(len(lines) - len(wanted) + 1 if wanted else 0)
        if lines[place] == wanted[0] and lines[place : place + len(wanted)] == wanted
    ]
