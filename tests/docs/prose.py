"""The tree's prose: comments, docstrings and pages, taken out of an archive of the project."""

from __future__ import annotations

import ast
import io
import os
import re
import tarfile
import tokenize
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

# Data.
_NO_TEXT = {".gguf", ".json", ".lock", ".svg"}
_C = {".c", ".cpp", ".h"}
_PYTHON = {".bazel", ".BUILD", ".bzl", ".py", ".pyi"}
_HASH = {".bazelignore", ".bazelrc", ".sh", ".toml", ".yml"}
# A string, which may contain slashes, or a comment.
_C_TOKEN = re.compile(
    r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)', re.DOTALL
)
_HASH_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Passage(NamedTuple):
    """A comment, a docstring or a page.

    Attributes:
        place: File and line.
        text: The words, on one line.
    """

    place: str
    text: str


class _Comment(NamedTuple):
    line: int
    column: int
    text: str


def files() -> Iterator[tuple[str, str]]:
    """Yields path and text of every text file in the archive that PROJECT_ARCHIVE names."""
    with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as archive:
        for member in archive:
            file = archive.extractfile(member)
            path = PurePosixPath(member.name)
            if file and path.suffix not in _NO_TEXT and "corpus" not in path.parts:
                yield member.name, file.read().decode()


def header(patch: str) -> str:
    """Returns the text before the hunks of a patch."""
    return re.split(r"(?m)^(?:diff |--- )", patch)[0]


def passages(path: str, text: str) -> Iterator[Passage]:
    """Yields the prose of a file."""
    for line, found in _prose(path, text):
        yield Passage(f"{path}:{line}", " ".join(found.split()))


def _prose(path: str, text: str) -> Iterator[tuple[int, str]]:
    suffix = PurePosixPath(path).suffix or PurePosixPath(path).name
    if suffix == ".md":
        yield 1, text
    elif suffix == ".patch":
        yield 1, header(text)
    elif suffix in _C:
        yield from _blocks(_c_comments(text))
    elif suffix in _PYTHON:
        yield from _of_python(text)
    elif suffix in _HASH or text.startswith("#!"):
        yield from _blocks(_hash_comments(text))


def _of_python(text: str) -> Iterator[tuple[int, str]]:
    """Yields the prose of Python and of Starlark, whose syntax is Python's."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a template
        yield from _blocks(_hash_comments(text))
        return
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = (token for token in tokens if token.type == tokenize.COMMENT)
    yield from _blocks(_Comment(*token.start, token.string.lstrip("#: ")) for token in comments)
    for node in ast.walk(tree):
        if isinstance(node, _DEFINITIONS):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""
        elif isinstance(node, ast.keyword) and node.arg == "doc":
            parts = (getattr(part, "value", "") for part in ast.walk(node.value))
            yield node.value.lineno, "".join(part for part in parts if isinstance(part, str))


def _c_comments(text: str) -> Iterator[_Comment]:
    for match in _C_TOKEN.finditer(text):
        comment = match["line"] or match["block"]
        if comment:
            before = text[: match.start()]
            column = match.start() - (before.rfind("\n") + 1)
            yield _Comment(before.count("\n") + 1, column, comment.strip("/* "))


def _hash_comments(text: str) -> Iterator[_Comment]:
    for match in _HASH_COMMENT.finditer(text):
        column = match[0].index("#")
        yield _Comment(text.count("\n", 0, match.start()) + 1, column, match[0].lstrip("# \t"))


def _blocks(comments: Iterator[_Comment]) -> Iterator[tuple[int, str]]:
    """Joins the comments on lines that follow each other."""
    block: list[_Comment] = []
    for comment in comments:
        if block and comment[:2] != (block[-1].line + 1, block[-1].column):
            yield block[0].line, "\n".join(part.text for part in block)
            block = []
        block.append(comment)
    if block:
        yield block[0].line, "\n".join(part.text for part in block)
