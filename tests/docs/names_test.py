"""Files, directories, targets and tests that pages name exist, as do the menu's pages."""

from __future__ import annotations

import os
import posixpath
import re
import tarfile

# Paths below a checkout of llama.cpp, and placeholders.
_ELSEWHERE = re.compile(r"^ggml/|<|\*")
_CODE = re.compile(r"`([^`\n]+)`|^    (.+)$", re.MULTILINE)
_PATH = re.compile(r"(?<![\w/@.-])[A-Za-z_][\w.-]*(?:/[\w.-]+)+/?")
_LABEL = re.compile(r"(?<![@\w])//([\w./-]*)(?::([\w.-]+))?")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_LINK = re.compile(r"\]\(([^)#]+)\)")


with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as _archive:
    _NAMES = {name.rstrip("/") for name in _archive.getnames()}
    _TEXTS = {
        member.name: _archive.extractfile(member).read().decode()
        for member in _archive
        if member.name.endswith((".bzl", ".md", "BUILD.bazel", "_test.py"))
    }


def _pages() -> list[str]:
    howtos = [name for name in _NAMES if re.fullmatch(r"docs/howto/.+\.md", name)]
    assert howtos
    return ["CONTRIBUTING.md", *sorted(howtos)]


def _code(page: str) -> list[str]:
    return [inline or block for inline, block in _CODE.findall(_TEXTS[page])]


def _paths(code: str) -> list[str]:
    """Returns the paths in a piece of code that are those of this project."""
    if _ELSEWHERE.search(code):
        return []
    paths = _PATH.findall(_LABEL.sub("", code))
    return [path for path in paths if not path.startswith(("venv/", "bazel-bin/"))]


def _is_target(package: str, target: str) -> bool:
    if package.endswith("...") or not target:
        folder = package.removesuffix("...").rstrip("/")
        return not folder or folder in _NAMES
    build = _TEXTS[posixpath.join(package, "BUILD.bazel")]
    # The root package derives its names; suites may be globbed.
    is_suite = posixpath.join(package, f"{target}.py") in _NAMES and "glob" in build
    return not package or target == "all" or is_suite or _is_declared(package, target)


def _is_declared(package: str, target: str) -> bool:
    """Whether the package has the name, or a macro there makes it out of one, or out of a file."""
    texts = [text for name, text in _TEXTS.items() if posixpath.dirname(name) == package]
    names = {name for text in texts for name in re.findall(r'"([\w-]{3,})(?:\.\w+)?"', text)}
    return any(target == name or target.startswith(f"{name}_") for name in names)


def test_files_and_directories() -> None:
    named = [(page, path) for page in _pages() for code in _code(page) for path in _paths(code)]
    assert len(named) > 20
    assert [(page, path) for page, path in named if path.rstrip("/") not in _NAMES] == []


def test_targets() -> None:
    named = [
        (page, package, target)
        for page in _pages()
        for code in _code(page)
        if "<" not in code
        for package, target in _LABEL.findall(code)
    ]
    assert len(named) > 10
    assert [name for name in named if not _is_target(*name[1:])] == []


def test_each_row_about_moving_names_a_test() -> None:
    rows = re.findall(r"^\| (?!llama-cpp-python|---).*\|$", _TEXTS["docs/moving.md"], re.MULTILINE)
    named = [_TEST.findall(row.split("|")[-2]) for row in rows]
    assert len(rows) > 15 and all(named)
    for file, test in (each for found in named for each in found):
        assert f"def {test}(" in _TEXTS[file], (file, test)


def test_the_menu_lists_every_page() -> None:
    links = {
        posixpath.normpath(posixpath.join("docs", link))
        for link in _LINK.findall(_TEXTS["docs/README.md"])
    }
    assert links - _NAMES == set()
    pages = {name for name in _NAMES if re.fullmatch(r"docs/(?:\w+/)?[\w.-]+\.md", name)}
    assert pages - links - {"docs/README.md"} == set()
