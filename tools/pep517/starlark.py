"""Reads values out of Starlark files as data: each table is written once, no Bazel is needed.

Starlark's expressions are Python's, so Python's own parser does the work; nothing is executed.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from .errors import BuildError

_AGAIN = ": unpack or clone the project again"


def constant(path: Path, name: str) -> Any:
    """Returns the value of `NAME = <literal>` at the top of a file.

    Raises:
        BuildError: the file has no such constant, or it is not a literal.
    """
    return _literal(path, _assigned(path, name))


def keys(path: Path, name: str) -> list[str]:
    """Returns the keys of `NAME = {...}` at the top of a file; its values may be anything.

    Raises:
        BuildError: the file has no such dictionary, or a key is not a literal.
    """
    return [_literal(path, key) for key in _dictionary(path, name).keys if key]


def keywords(path: Path, name: str) -> dict[str, list[str]]:
    """Returns key -> the keywords of its call, of `NAME = {key: function(keyword = ...)}`.

    Raises:
        BuildError: the file has no such dictionary, or a key is not a literal.
    """
    node = _dictionary(path, name)
    return {
        _literal(path, key): [item.arg for item in value.keywords if item.arg]
        for key, value in zip(node.keys, node.values)
        if key and isinstance(value, ast.Call)
    }


def argument(path: Path, function: str, keyword: str) -> Any:
    """Returns the value of a keyword argument of the call `function(...)` at the top of a file.

    Raises:
        BuildError: the file has no such call or argument, or it is not a literal.
    """
    for statement in _statements(path):
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == function:
            for item in call.keywords:
                if item.arg == keyword:
                    return _literal(path, item.value)
    raise BuildError(f"{path} has no {function}({keyword} = ...){_AGAIN}")


def _dictionary(path: Path, name: str) -> ast.Dict:
    node = _assigned(path, name)
    if not isinstance(node, ast.Dict):
        raise BuildError(f"{path}:{node.lineno}: {name} is no dictionary{_AGAIN}")
    return node


def _assigned(path: Path, name: str) -> ast.expr:
    for statement in _statements(path):
        if isinstance(statement, ast.Assign):
            if [getattr(target, "id", "") for target in statement.targets] == [name]:
                return statement.value
    raise BuildError(f"{path} has no constant {name}{_AGAIN}")


def _statements(path: Path) -> list[ast.stmt]:
    try:
        return ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError) as error:
        raise BuildError(f"cannot read {path} ({error}){_AGAIN}") from error


class _Joined(ast.NodeTransformer):
    """Joins the parts of a string on several lines, with plus signs as Starlark asks."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        parts = [getattr(part, "value", None) for part in (node.left, node.right)]
        if isinstance(node.op, ast.Add) and all(isinstance(part, str) for part in parts):
            return ast.copy_location(ast.Constant("".join(parts)), node)
        return node


def _literal(path: Path, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(_Joined().visit(node))
    except ValueError as error:
        raise BuildError(
            f"{path}:{node.lineno} is no literal: write it as one, because tools/pep517 reads it "
            "as data"
        ) from error
