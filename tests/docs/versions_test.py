"""Pages and modules name the version of MODULE.bazel, so what they install is what is built."""

from __future__ import annotations

import os
import re
import tarfile

_MODULE = re.compile(r'^module\(.*?^    version = "([^"]+)"', re.MULTILINE | re.DOTALL)
_DEPENDENCY = re.compile(r'name = "llama_cpp_(?:python|repositories)",\s+version = "([^"]+)"')
_WHEEL = re.compile(r"\bllama-cpp-python==([\w.]+)\+")

with tarfile.open(os.environ["PROJECT_ARCHIVE"]) as _archive:
    _TEXTS = {
        member.name: _archive.extractfile(member).read().decode()
        for member in _archive
        # A page on releasing has the next version as its example.
        if member.name.endswith((".md", "MODULE.bazel")) and member.name != "docs/releasing.md"
    }


def _version() -> str:
    found = _MODULE.search(_TEXTS["MODULE.bazel"])
    assert found
    return found[1]


def _named(expression: re.Pattern[str]) -> dict[str, set[str]]:
    """Returns version -> files that name it."""
    found: dict[str, set[str]] = {}
    for name, text in _TEXTS.items():
        for version in expression.findall(text):
            found.setdefault(version, set()).add(name)
    return found


def test_modules():
    named = _named(_DEPENDENCY)
    assert set(named) == {_version()}, named
    assert {"README.md", "examples/monorepo/MODULE.bazel"} <= named[_version()]


def test_wheels():
    named = _named(_WHEEL)
    assert set(named) == {_version()}, named
    assert {"README.md", "CONTRIBUTING.md"} <= named[_version()]


def test_an_install_out_of_bazel_bin_names_no_wheel_of_every_python():
    """The shell makes all wheels of such a pattern arguments, and pip refuses those of others."""
    pattern = re.compile(r"pip install .*bazel-bin/\S*\*")
    assert [name for name, text in _TEXTS.items() if pattern.search(text)] == []
