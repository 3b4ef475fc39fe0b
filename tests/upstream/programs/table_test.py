"""The table of upstream's tests is complete: upstream_tests.bzl against the pinned sources."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import ctest
import pytest

_SOURCES = Path(os.environ["UPSTREAM_CMAKE_LISTS"]).parent
_TABLE: dict[str, Any] = json.loads(Path(os.environ["TABLE"]).read_text())
_TESTS: dict[str, Any] = _TABLE["tests"]
_README = Path(os.environ["README"]).read_text()
_RUNS: dict[str, Any] = {
    name: run for test in _TESTS.values() for name, run in test.get("runs", {}).items()
}
_LEFT_OUT = {Path(file).stem for file, test in _TESTS.items() if "left_out" in test}

# Upstream's variables, as the tests here see them.
_VARIABLES = {
    "${MODEL_DEST}": "trained.gguf",
    "${MODEL_DIR}": "architectures",
    "${PROJECT_SOURCE_DIR}/": "",
}


def sources() -> set[str]:
    """Returns upstream's tests: programs and scripts."""
    suffixes = {".c", ".cpp", ".py", ".sh"}
    return {path.name for path in _SOURCES.glob("test-*") if path.suffix in suffixes}


def registered() -> dict[str, list[str]]:
    tests = ctest.registered((_SOURCES / "CMakeLists.txt").read_text())
    return {name: [_expand(argument) for argument in args] for name, args in tests.items()}


def _expand(argument: str) -> str:
    for variable, value in _VARIABLES.items():
        argument = argument.replace(variable, value)
    return argument


def test_every_test_is_in_the_table() -> None:
    new = sorted(sources() - set(_TESTS))
    assert not new, f"add to upstream_tests.bzl, to run or with a reason: {new}"
    gone = sorted(set(_TESTS) - sources())
    assert not gone, f"remove from upstream_tests.bzl: {gone}"


def test_every_registered_run_is_in_the_table() -> None:
    names = set(registered())
    known = set(_RUNS) | set(_TABLE["left_out_runs"]) | _LEFT_OUT
    new = sorted(names - known)
    assert not new, f"add a run to upstream_tests.bzl, or a line to LEFT_OUT_RUNS: {new}"
    gone = sorted(set(_TABLE["left_out_runs"]) - names)
    assert not gone, f"remove from LEFT_OUT_RUNS: {gone}"


@pytest.mark.parametrize("name", sorted(set(registered()) & set(_RUNS)))
def test_a_run_has_the_arguments_of_upstream(name: str) -> None:
    assert _RUNS[name]["args"] == registered()[name]


def test_readme_has_the_table() -> None:
    missing = [row for row in rows() if row not in _README.splitlines()]
    shown = [line for line in _README.splitlines() if line.startswith("| `test-")]
    assert not missing and len(shown) == len(rows()), "write into README.md:\n" + "\n".join(rows())


def rows() -> list[str]:
    """Returns the rows of README.md's table."""
    return [_row(file, test) for file, test in _TESTS.items()]


def _row(file: str, test: dict[str, Any]) -> str:
    if "left_out" in test:
        return f"| `{file}` | | | left out: {test['left_out']} |"
    pushes = {run["push"] for run in test["runs"].values()}
    where = {"all": "", "some": ", some in `//...`", "none": ", not in `//...`"}
    note = where[pushes.pop() if len(pushes) == 1 else "some"]
    return f"| `{file}` | {test['links']} | {', '.join(test['needs'])} | {_count(test)}{note} |"


def _count(test: dict[str, Any]) -> str:
    if test["per_variant"]:
        return "per variant"
    return "once" if len(test["runs"]) == 1 else f"{len(test['runs'])} runs"


_SYNTHETIC = """
function(llama_test target)
    add_test(NAME ${TEST_NAME} COMMAND x)
endfunction()
llama_build(test-built.cpp)
#llama_test(test-built NAME test-commented)
if (NOT WIN32)
    llama_build_and_test(test-new.cpp more.cpp LABEL "model" ARGS -m "${MODEL_DEST}" -n 1)
endif()
llama_test(
    test-built
    NAME test-named  # why
    ARGS ${PROJECT_SOURCE_DIR}/models/a.gguf
)
add_test(NAME test-cmake COMMAND ${CMAKE_COMMAND} -P x)
"""


def test_reads_what_cmake_registers() -> None:
    assert ctest.registered(_SYNTHETIC) == {
        "test-new": ["-m", "${MODEL_DEST}", "-n", "1"],
        "test-named": ["${PROJECT_SOURCE_DIR}/models/a.gguf"],
        "test-cmake": [],
    }
