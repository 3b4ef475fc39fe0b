"""Docstrings of the native module, which the stub has from the C++ sources."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest


def functions() -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(Path(os.environ["STUB"]).read_text(encoding="utf-8"))):
        decorators = [ast.unparse(decorator) for decorator in getattr(node, "decorator_list", ())]
        is_property = any(re.search(r"^property$|\.setter$", text) for text in decorators)
        if isinstance(node, ast.FunctionDef) and not is_property:
            yield node


def parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument.arg for argument in every if argument.arg != "self"]


def documented(function: ast.FunctionDef) -> list[str]:
    """Returns the parameters below "Args:"."""
    section = re.search(r"Args:\n((?:  .*\n?)+)", ast.get_docstring(function) or "")
    return re.findall(r"(?m)^  (\w+):", section[1]) if section else []


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_it_begins_with_a_verb_in_the_third_person(function: ast.FunctionDef) -> None:
    text = ast.get_docstring(function)
    if text is None:
        assert function.name == "__init__" and not parameters(function)
    else:
        assert re.match(r"[A-Z][a-z]+s\b", text)


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_it_documents_all_parameters(function: ast.FunctionDef) -> None:
    names = parameters(function)
    if documented(function) or len(names) > 1:
        assert documented(function) == names
