"""Docstrings and short texts as Markdown."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import NamedTuple

WIDTH = 100

_SECTION = re.compile(r"((Args|Attributes|Raises|Returns|Yields)(?: \(.*\))?):")
_ENTRY = re.compile(r"(\*{0,2}\w+): (.*)", re.DOTALL)
_ROLE = re.compile(r":\w+:`~?([^`]+)`")


class Section(NamedTuple):
    """A section such as "Args:".

    Attributes:
        title: Without the colon.
        lines: Its lines, without their common indentation.
    """

    title: str
    lines: list[str]

    def entries(self) -> list[str]:
        """Returns the entries, each on one line."""
        joined: list[str] = []
        for line in self.lines:
            if line.startswith(" ") and joined:
                joined[-1] += " " + line.strip()
            elif line:
                joined.append(line)
        return joined

    def named(self) -> dict[str, str]:
        """Returns name -> text of the entries that have the form "name: text"."""
        matches = filter(None, map(_ENTRY.fullmatch, self.entries()))
        return {match[1].lstrip("*"): markup(match[2]) for match in matches}


class Docstring(NamedTuple):
    """A docstring in Google's form.

    Attributes:
        text: The text outside of sections, as Markdown.
        sections: The sections, in their order.
    """

    text: str
    sections: list[Section]

    def named(self, title: str) -> dict[str, str]:
        """Returns name -> text of a section; empty if there is none of that title."""
        return {
            name: text
            for section in self.sections
            if section.title == title
            for name, text in section.named().items()
        }

    def markdown(self, without: tuple[str, ...] = ()) -> list[str]:
        """Returns the paragraphs, but for the sections `without`."""
        paragraphs = [self.text] if self.text else []
        for section in self.sections:
            if section.title not in without:
                paragraphs += _section_markdown(section)
        return paragraphs


def parse(text: str) -> Docstring:
    """Splits a docstring."""
    outside: list[str] = []
    sections: list[Section] = []
    lines = outside
    for line in inspect.cleandoc(text).splitlines():
        if match := _SECTION.fullmatch(line):
            sections.append(Section(match[1], []))
            lines = sections[-1].lines
        elif lines is not outside and line and not line.startswith(" "):
            lines = outside
            outside += ["", line]
        else:
            lines.append(line)
    cleaned = [
        Section(title, textwrap.dedent("\n".join(body)).strip().splitlines())
        for title, body in sections
    ]
    return Docstring(markup("\n".join(outside).strip()), cleaned)


def markup(text: str) -> str:
    """Replaces reStructuredText's inline markup by Markdown's."""
    return _ROLE.sub(r"`\1`", text).replace("``", "`")


def fill(text: str, indent: str = "") -> str:
    """Wraps a paragraph; lines after the first get the indentation."""
    return textwrap.fill(
        text,
        WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent=indent,
    )


def wrapped(text: str) -> str:
    """Wraps the lines that are too long, as those of rules are, whose texts are one line."""
    return "\n".join(fill(line) if len(line) > WIDTH else line for line in text.splitlines())


def bullet(name: str, text: str) -> str:
    """Returns a list's item."""
    return fill(f"- `{name}`: {text}", "  ")


def table(header: list[str], rows: list[list[str]]) -> str:
    """Returns a table; newlines in its cells become spaces."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def one_line(text: str) -> str:
    """Returns a text for a table's cell."""
    return " ".join(markup(text).split())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _section_markdown(section: Section) -> list[str]:
    if section.title in ("Returns", "Yields"):
        return [f"**{section.title}**", fill(markup(" ".join(section.lines)))]
    items = []
    for entry in section.entries():
        match = _ENTRY.fullmatch(entry)
        items.append(bullet(match[1], markup(match[2])) if match else fill("- " + markup(entry)))
    return [f"**{section.title}**", "\n".join(items)]
