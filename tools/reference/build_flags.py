"""Build settings of a BUILD file, and the comments above them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Flag(NamedTuple):
    """A target that a command line can set.

    Attributes:
        label: Such as `//:version`.
        default: Its default; empty for an empty text.
        text: The comment above the target.
    """

    label: str
    default: str
    text: str


def flags(path: Path) -> Iterator[Flag]:
    """Returns the flags of a BUILD file, whose path starts at the workspace's root."""
    source = path.read_text(encoding="utf-8")
    package = path.parent.as_posix().removeprefix(".")
    for statement in ast.parse(source).body:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("_flag"):
            arguments = {word.arg: word.value for word in call.keywords}
            yield Flag(
                label=f"//{package}:{ast.literal_eval(arguments['name'])}",
                default=_value(arguments["build_setting_default"]),
                text=_comment_above(source.splitlines(), call.lineno - 1),
            )


def _value(node: ast.expr) -> str:
    """Returns a text without its quotes, and anything else as the file writes it."""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _comment_above(lines: list[str], index: int) -> str:
    start = index
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    return " ".join(line.lstrip("# ") for line in lines[start:index])
