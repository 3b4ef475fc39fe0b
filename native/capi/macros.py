"""Numbers and texts that headers define as macros."""

from __future__ import annotations

import re
from typing import Union

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>[A-Z]\w+)[ \t]+"
    r"(?:\(?(?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+))[uUlL]*\)?"
    r'|"(?P<text>[^"\\]*)"'
    r"|(?P<other>[A-Z]\w+))"
    r"[ \t]*(?://.*|/\*.*)?$",
    re.MULTILINE,
)


def macros(header: str) -> dict[str, Union[int, bytes]]:
    """Returns the macros of a header that are a number, a text, or another such macro.

    Of a macro with several definitions, for different systems, the first counts.
    """
    found: dict[str, Union[int, bytes]] = {}
    for match in _DEFINE.finditer(header):
        name = match["name"]
        if match["number"]:
            found.setdefault(name, int(match["number"], 0))
        elif match["text"] is not None:
            found.setdefault(name, match["text"].encode())
        elif match["other"] in found:
            found.setdefault(name, found[match["other"]])
    return found
