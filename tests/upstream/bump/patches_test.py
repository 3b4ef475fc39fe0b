"""Patches on other sources than their original ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bump import report
from tools.bump.patches import Result, Tree

LINES = [f"line {number}" for number in range(1, 41)]
PATCH = """\
Why.

--- a/src/a.cpp
+++ b/src/a.cpp
@@ -9,3 +9,4 @@ int function() {
 line 9
-line 10
+LINE 10
+added
 line 11
@@ -30,3 +31,3 @@
 line 30
-line 31
+LINE 31
 line 32
"""
NEW_FILE = """\
--- /dev/null
+++ b/src/new.cpp
@@ -0,0 +1,2 @@
+one
+two
"""


def tree(folder: Path, lines: list[str]) -> Tree:
    (folder / "src").mkdir(exist_ok=True)
    (folder / "src/a.cpp").write_text("\n".join([*lines, ""]))
    return Tree(folder)


def test_it_applies_as_it_is(tmp_path: Path) -> None:
    assert tree(tmp_path, LINES).apply("p", PATCH) == Result("p", PATCH)
    assert tree(tmp_path, LINES).apply("p", NEW_FILE) == Result("p", NEW_FILE)


def test_moved_lines_get_new_numbers(tmp_path: Path) -> None:
    result = tree(tmp_path, ["x", "y", *LINES]).apply("p", PATCH)
    assert result.moved == 2 and not result.failed
    assert "@@ -11,3 +11,4 @@ int function() {" in result.text
    assert "@@ -32,3 +33,3 @@" in result.text
    # With them it applies at its lines, as Bazel 7.7 wants it.
    assert tree(tmp_path, ["x", "y", *LINES]).apply("p", result.text).moved == 0


def test_the_nearest_place_is_taken_and_said(tmp_path: Path) -> None:
    result = tree(tmp_path, ["x", *LINES, *LINES]).apply("p", PATCH)
    assert result.moved == 2
    # The second follows the move of the first, and fits there.
    assert [hunk.line for hunk in result.ambiguous] == [9]
    (_, *lines) = report.patch_changes([result])
    assert lines[1] == "? p fits more than one place; the nearest was taken:"


def test_a_hunk_that_no_longer_applies(tmp_path: Path) -> None:
    changed = [line.replace("31", "thirty-one") for line in LINES]
    result = tree(tmp_path, changed).apply("p", PATCH)
    assert [hunk.line for hunk in result.failed] == [30]
    assert not result.is_upstream
    assert list(report.patch_changes([result])) == [
        "\n== patches",
        "! p no longer applies:",
        "    src/a.cpp, once at line 30:",
        "     line 30",
        "    -line 31",
        "    +LINE 31",
        "     line 32",
    ]


def test_a_hunk_that_the_sources_have_already(tmp_path: Path) -> None:
    changed = [line.replace("line 31", "LINE 31") for line in LINES]
    result = tree(tmp_path, changed).apply("p", PATCH)
    assert result.is_upstream
    assert list(report.patch_changes([result]))[1].endswith("have these changes; delete them:")


@pytest.mark.parametrize("patch", [PATCH, NEW_FILE])
def test_a_file_that_is_gone_or_already_there(tmp_path: Path, patch: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/new.cpp").write_text("other\n")
    assert Tree(tmp_path).apply("p", patch).failed


def test_patches_build_on_each_other(tmp_path: Path) -> None:
    second = "--- a/src/a.cpp\n+++ b/src/a.cpp\n@@ -10,2 +10,2 @@\n LINE 10\n-added\n+ADDED\n"
    patched = tree(tmp_path, LINES)
    assert not patched.apply("first", PATCH).failed
    assert patched.apply("second", second) == Result("second", second)
