"""Numbers that headers define as macros."""

from __future__ import annotations

import re

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>[A-Z]\w+)[ \t]+"
    r"(?:(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+))[uUlL]*|(?P<other>[A-Z]\w+))"
    r"[ \t]*(?://.*|/\*.*)?$",
    re.MULTILINE,
)


def numbers(header: str) -> dict[str, int]:
    """Returns the macros of a header that are a decimal or hexadecimal number, or another such
    macro."""
    found: dict[str, int] = {}
    for match in _DEFINE.finditer(header):
        if match["number"]:
            found[match["name"]] = int(match["number"], 0)
        elif match["other"] in found:
            found[match["name"]] = found[match["other"]]
    return found
