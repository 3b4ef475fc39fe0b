"""Macros of headers that are a number or a text."""

from __future__ import annotations

import re

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>[A-Z]\w+)[ \t]+"
    r"(?:(?P<number>\(?-?(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*\)?|[A-Z]\w+)"
    r'|"(?P<text>[^"\\]*)")'
    r"[ \t]*(?://.*|/\*.*)?$",
    re.MULTILINE,
)
_PREFIX = "generated_"


def texts(header: str) -> dict[str, bytes]:
    """Returns the macros of a header that are a text."""
    found = _DEFINE.finditer(header)
    return {match["name"]: match["text"].encode() for match in found if match["text"] is not None}


def as_enumerators(header: str) -> str:
    """Returns C code that makes an enumerator of each macro that is a number, or another macro.

    Thus the compiler gives the values, and knows which of several definitions is in force.
    """
    names = dict.fromkeys(match["name"] for match in _DEFINE.finditer(header) if match["number"])
    return "".join(
        f"#ifdef {name}\nenum {{ {_PREFIX}{name} = {name} }};\n#endif\n" for name in names
    )


def macro_name(enumerator: str) -> str:
    """Returns the macro of an enumerator that `as_enumerators` made, "" for any other."""
    return enumerator[len(_PREFIX) :] if enumerator.startswith(_PREFIX) else ""
