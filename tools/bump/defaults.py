"""Reads the defaults of parameters: the functions `*_default_params` and `*_params_default`."""

from __future__ import annotations

import re
from pathlib import Path

from .changes import Change, differences

# Where these functions are, below the sources.
_FILES = ["src/*.cpp", "tools/mtmd/*.cpp", "ggml/src/*.c", "ggml/src/*.cpp"]
_FUNCTION = re.compile(
    r"^[\w ]*?\b(\w+(?:_default_params|_params_default))\([^)]*\)\s*\{(.*?)^\}",
    re.MULTILINE | re.DOTALL,
)
# `/*.field =*/ value,`, `/* field */ value,`, `.field = value,`, `params.field = value;`
_VALUE = re.compile(
    r"^\s*(?:/\*\s*\.?(\w+)\s*=?\s*\*/|\w*\.(\w+)\s*=)\s*(.+?)[,;]?\s*(?://.*)?$", re.MULTILINE
)


def read(tree: Path) -> dict[str, str]:
    """Returns `function.field` -> default."""
    result: dict[str, str] = {}
    for pattern in _FILES:
        for path in sorted(tree.glob(pattern)):
            for name, body in _FUNCTION.findall(path.read_text(encoding="utf-8", errors="replace")):
                for commented, assigned, value in _VALUE.findall(body):
                    result[f"{name}.{commented or assigned}"] = value
    return result


def compare(old: Path, new: Path) -> list[Change]:
    """Returns the defaults that differ between two source trees."""
    return differences("default", read(old), read(new))
