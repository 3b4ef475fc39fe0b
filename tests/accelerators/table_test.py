"""An accelerator's facts stand in its table, in its own directories, and in few other files."""

from __future__ import annotations

import ast
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TABLE = "platforms/accelerators.bzl"

# How far each accelerator is tried: names that are labels too.
STATUS = "platforms/status.bzl"

# They name the repositories of toolkits, the second one that of rules_cuda's extension.
ALLOWED = {"MODULE.bazel", "bazel/repositories/MODULE.bazel", "third_party/repositories.bzl"}

_CODE = {".BUILD", ".bazel", ".bzl", ".py"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def table(tree: Path) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec((tree / TABLE).read_text(), names)
    return names


def facts(table: dict[str, Any]) -> set[str]:
    """Returns the strings that no other file may have: labels, plug-ins, libraries, advice..."""
    accelerators = table["ACCELERATORS"]
    rows = [row for name, row in accelerators.items() if name != table["DEFAULT_ACCELERATOR"]]
    found = {row["label"] for row in rows}
    for row in rows:
        found |= {row.get("plugin", ""), row.get("library", "")}
        for field in ("components", "needed_libraries", "requires"):
            found.update(row.get(field, ()))
        found.update(row.get("get_library", {}).values())
        found.update(value for field, value in row.items() if field.startswith("driver_"))
    return found - {""}


def strings(path: Path) -> Iterator[str]:
    """Yields the string literals of a Python or Starlark file, without docstrings."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    docs = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def code(tree: Path, table: dict[str, Any]) -> Iterator[Path]:
    """Yields files of code outside of the accelerators' own directories, tests and the tables."""
    rows = table["ACCELERATORS"].items()
    own = {name for name, row in rows if "library" in row} | {
        row["ggml_name"] for _, row in rows if "library" in row
    }
    is_own = re.compile(rf"(?:^|[/_-])(?:{'|'.join(own)})(?:[/._]|$)")
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if path.suffix in _CODE and not is_own.search(name) and name not in (TABLE, STATUS):
            if not name.startswith("tests/"):
                yield path


def test_facts_stand_in_the_table_alone(tree: Path, table: dict[str, Any]) -> None:
    wanted = facts(table)
    pattern = re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, wanted))})(?![\w-])")
    files = list(code(tree, table))
    assert len(wanted) > 25 and len(files) > 100
    found = {
        (str(path.relative_to(tree)), string)
        for path in files
        for string in strings(path)
        if pattern.search(string)
    }
    assert not found


def test_names_stand_in_few_files(tree: Path, table: dict[str, Any]) -> None:
    rows = table["ACCELERATORS"].items()
    names = {name for name, _ in rows} | {row.get("ggml_name") for _, row in rows}
    names.remove(table["DEFAULT_ACCELERATOR"])
    found = {
        str(path.relative_to(tree))
        for path in code(tree, table)
        if not names.isdisjoint(strings(path))
    }
    assert found - ALLOWED == set()


def test_each_accelerator_has_its_config(tree: Path, table: dict[str, Any]) -> None:
    configs = re.findall(
        r"^build:(\w+) --platforms=//platforms:(?:linux_x86_64|macos_aarch64)_(\w+)$",
        (tree / ".bazelrc").read_text(),
        re.MULTILINE,
    )
    named = {config for config, rest in configs if config == rest}
    accelerators = table["ACCELERATORS"].keys() - {table["DEFAULT_ACCELERATOR"]}
    assert accelerators - named == set()
