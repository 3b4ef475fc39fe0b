"""The landing page: its template is landing_page.html; here the tables are made that it shows.

A table is there without JavaScript. A script in the page writes the install lines for the button
that is pressed, because only the browser knows the page's address; each button carries its wheel's
facts as JSON.
"""

from __future__ import annotations

import html
import html.parser
import json
import re
from pathlib import Path
from typing import Iterable, Mapping, NamedTuple

from simple_pages import relative_address
from wheel_file import WheelFile

# Platform tags (PEP 425, 600, 656) -> system and CPU | oldest version of the system; in the order
# of the columns.
_PLATFORMS = {
    r"manylinux_(\d+)_(\d+)_(\w+)": "Linux {2}|glibc {0}.{1}+",
    r"musllinux_(\d+)_(\d+)_(\w+)": "Linux {2}|musl {0}.{1}+",
    r"macosx_(\d+)_(\d+)_(\w+)": "macOS {2}|{0}.{1}+",
    r"win_(\w+)": "Windows {0}|",
}

_MISSING = '<td><span aria-hidden="true">–</span><span class="unseen">no wheel</span></td>'


class Column(NamedTuple):
    """A backend on a platform."""

    backend: str
    platform_tag: str


def _version_order(version: str) -> tuple[list[int], bool, str]:
    """Returns the sort key of a public version: pre-releases come before their release."""
    release, suffix = re.fullmatch(r"([\d.]*\d|)(.*)", version).groups()
    numbers = [int(part) for part in release.split(".") if part]
    return numbers, suffix.startswith(".post") or not suffix, suffix


def _python(abi_tag: str) -> str:
    """Returns `3.13t` for `cp313t`; an ABI tag of another kind is unchanged."""
    parts = re.fullmatch(r"cp(\d)(\d+)(t?)", abi_tag)
    return "{}.{}{}".format(*parts.groups()) if parts else abi_tag


def _abi_order(abi_tag: str) -> tuple[int, str]:
    return int(re.sub(r"\D", "", abi_tag) or 0), abi_tag


def _platform(tag: str) -> tuple[str, str]:
    """Returns (operating system and CPU, oldest version of it) of a platform tag, for people."""
    for pattern, text in _PLATFORMS.items():
        parts = re.fullmatch(pattern, tag.split(".")[0])
        if parts:
            name, _, floor = text.format(*parts.groups()).partition("|")
            return name, floor
    return tag, ""


def _column_order(column: Column) -> tuple[str, int, bool, str]:
    """Returns the sort key of a platform: the usual CPU first, on each system."""
    tag = column.platform_tag
    system = next((i for i, p in enumerate(_PLATFORMS) if re.match(p, tag)), len(_PLATFORMS))
    return column.backend, system, not tag.endswith(("x86_64", "amd64")), tag


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e5 else f"{number / 1e3:.1f} kB"


def _facts(wheel: WheelFile, build_commands: Mapping[str, str]) -> str:
    """Returns the data of the page's script, as JSON in an attribute's quotes."""
    command = build_commands.get(f"{wheel.label}-{wheel.platform_tag}", "")
    python, (platform, floor) = _python(wheel.abi_tag), _platform(wheel.platform_tag)
    facts = {
        "address": f"whl/{wheel.label}/{wheel.project}/{relative_address(wheel)}",
        "backend": wheel.label,
        "bazel": command.replace("{abi}", wheel.abi_tag),
        "file": wheel.file_name,
        "platform": f"{platform}, {floor}" if floor else platform,
        "project": wheel.project,
        "python": python,
        "sha256": wheel.sha256,
        "size": _size(wheel.size),
        "system": platform.split()[0],
        "version": wheel.public_version,
    }
    return html.escape(json.dumps(facts, sort_keys=True))


def _cell(wheel: WheelFile | None, build_commands: Mapping[str, str]) -> str:
    if not wheel:
        return _MISSING
    return (
        '<td><button type="button" aria-pressed="false" '
        f'data-wheel="{_facts(wheel, build_commands)}">'
        f"{_size(wheel.size)}</button></td>"
    )


def _row(abi_tag: str, cells: Iterable[str]) -> str:
    python = html.escape(_python(abi_tag))
    note = " <small>free-threaded</small>" if python.endswith("t") else ""
    return f'<tr><th scope="row">{python}{note}</th>{"".join(cells)}</tr>'


def _head(columns: list[Column]) -> str:
    """Returns two rows: backends, and below each its platforms."""
    backends = sorted({column.backend for column in columns})
    spans = {backend: sum(column.backend == backend for column in columns) for backend in backends}
    above = "".join(
        f'<th scope="colgroup" colspan="{span}"><a href="whl/{backend}/">{backend}</a></th>'
        for backend, span in spans.items()
    )
    below = ""
    for column in columns:
        platform, floor = map(html.escape, _platform(column.platform_tag))
        below += f'<th scope="col">{platform} <small>{floor}</small></th>'
    groups = "".join(f'<colgroup span="{span}">' for span in spans.values())
    return (
        f'<col>{groups}<thead><tr><th scope="col" rowspan="2">Python</th>{above}</tr>'
        f"<tr>{below}</tr></thead>"
    )


def _table(title: str, wheels: list[WheelFile], build_commands: Mapping[str, str]) -> str:
    by_place = {(w.abi_tag, Column(w.label, w.platform_tag)): w for w in wheels}
    columns = sorted({column for _, column in by_place}, key=_column_order)
    abis = sorted({abi for abi, _ in by_place}, key=_abi_order)
    rows = "\n".join(
        _row(abi, (_cell(by_place.get((abi, column)), build_commands) for column in columns))
        for abi in abis
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="Wheels of {title}">\n'
        f"<table><caption>{title}</caption>{_head(columns)}\n"
        f"<tbody>\n{rows}\n</tbody></table>\n</div>"
    )


def _tables(wheels: Iterable[WheelFile], build_commands: Mapping[str, str]) -> str:
    """Returns one table per project and version, newest first; all but the first are folded up."""
    releases: dict[tuple[str, str], list[WheelFile]] = {}
    for wheel in wheels:
        releases.setdefault((wheel.project, wheel.public_version), []).append(wheel)
    order = sorted(releases, key=lambda release: _version_order(release[1]), reverse=True)
    titles = [html.escape(" ".join(release)) for release in order]
    tables = [_table(t, releases[r], build_commands) for t, r in zip(titles, order)]
    older = [
        f"<details><summary>{title}</summary>\n{table}\n</details>"
        for title, table in zip(titles[1:], tables[1:])
    ]
    return "\n".join(tables[:1] + older)


def landing_page(
    tree: Mapping[str, Mapping[str, list[WheelFile]]], build_commands: Mapping[str, str]
) -> bytes:
    """Returns the page as bytes. `build_commands` is that of write_index.write_index."""
    wheels = [w for projects in tree.values() for files in projects.values() for w in files]
    names = ", ".join(sorted({wheel.project for wheel in wheels}))
    template = Path(__file__).with_name("landing_page.html").read_text(encoding="utf-8")
    page = template.replace("@PROJECTS@", html.escape(names))
    return page.replace("@TABLES@", _tables(wheels, build_commands)).encode()


class _ButtonParser(html.parser.HTMLParser):
    """Reads the data of a page's buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.facts += [value or "" for name, value in attrs if name == "data-wheel"]


def read_build_commands(page: str) -> dict[str, str]:
    """Returns the `build_commands` of a landing page; ValueError for any other page.

    Of a backend and platform without a command the command is empty.
    """
    parser = _ButtonParser()
    parser.feed(page)
    if not parser.facts:
        raise ValueError("it has no button of a wheel")
    commands = {}
    for text in parser.facts:
        try:
            facts = json.loads(text)
            file, backend, command = (facts[key] for key in ("file", "backend", "bazel"))
            abi_tag, platform_tag = file.removesuffix(".whl").split("-")[-2:]
            # The reverse of _facts.
            commands[f"{backend}-{platform_tag}"] = command.replace(abi_tag, "{abi}")
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise ValueError(f"the button of a wheel has {text[:80]!r}") from error
    return commands
