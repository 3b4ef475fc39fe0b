"""Applies unified diffs, as Bazel does: context must be the same, its place may have moved."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Iterator

_FILE = re.compile(r"^\+\+\+ b/(\S+)")
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclasses.dataclass
class Hunk:
    """A hunk: the file that it changes, the line where it was, and its lines with their marks."""

    file: str
    line: int
    lines: list[str]

    def side(self, mark: str) -> list[str]:
        """Returns the lines before (`-`) or after (`+`) the hunk."""
        return [line[1:] for line in self.lines if line[:1] in (" ", mark)]

    def __str__(self) -> str:
        return "\n".join([f"{self.file}, once at line {self.line}:", *self.lines])


@dataclasses.dataclass
class Result:
    """What became of a patch: its hunks that don't apply, and those whose lines moved."""

    name: str
    failed: list[Hunk]
    is_upstream: bool


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
        old, new = int(begin[2] or 1), int(begin[4] or 1)
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
        yield Hunk(file, int(begin[1]), body)


class Tree:
    """The files of a source tree with patches applied in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, list[str]] = {}

    def apply(self, name: str, text: str) -> Result:
        """Applies the hunks that can be applied, and returns the others."""
        hunks = parse(text)
        failed = [hunk for hunk in hunks if not self._replace(hunk, "-", "+")]
        upstream = bool(failed) and all(self._has(hunk, "+") for hunk in failed)
        return Result(name, failed, upstream)

    def _file(self, name: str) -> list[str]:
        if name not in self._lines:
            path = self._folder / name
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            self._lines[name] = text.split("\n")
        return self._lines[name]

    def _replace(self, hunk: Hunk, old: str, new: str) -> bool:
        lines, before = self._file(hunk.file), hunk.side(old)
        place = _find(lines, before, hunk.line - 1)
        if place is None:
            return False
        lines[place : place + len(before)] = hunk.side(new)
        return True

    def _has(self, hunk: Hunk, mark: str) -> bool:
        return _find(self._file(hunk.file), hunk.side(mark), hunk.line - 1) is not None


def _find(lines: list[str], wanted: list[str], expected: int) -> int | None:
    """Returns where lines are, nearest to the expected place."""
    places = [
        place
        for place in range(len(lines) - len(wanted) + 1)
        if lines[place : place + 1] == wanted[:1] and lines[place : place + len(wanted)] == wanted
    ]
    return min(places, key=lambda place: abs(place - expected), default=None)
