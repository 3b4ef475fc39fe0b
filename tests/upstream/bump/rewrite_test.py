"""The rewriting of this project's real files, in a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bump.errors import BumpError
from tools.bump.rewrite import Project
from tools.bump.source import Pin

FOLDER = "third_party/llama.cpp"
PIN = Pin(
    "other-package", "other_package-1.2.tar.gz", "ab" * 32, "other_package-1.2/deps/llama.cpp"
)
COMPONENTS = {"cpp-httplib": "90.1.2", "miniaudio": "91.1.2", "nlohmann-json": "92.1.2"}
COMPONENTS |= {"stb_image": "93.1", "xxhash": "94.1.2"}


def test_the_pin(project: Path) -> None:
    files = Project(project)
    before = files.pin()
    files.set_pin(PIN)
    assert files.pin() == PIN != before
    assert files.changed == [f"{FOLDER}/pin.bzl"]
    text = (project / FOLDER / "pin.bzl").read_text()
    assert text.startswith(
        '"""Pin of llama.cpp\'s sources: '
        'the `deps/llama.cpp` directory of the other-package sdist."""\n'
    )
    for value in before.__dict__.values():
        assert value not in text


def test_the_pin_of_today_leaves_the_file_as_it_is(project: Path) -> None:
    files = Project(project)
    files.set_pin(files.pin())
    files.set_patches(files.patches())
    assert files.changed == []
    assert len(files.patches()) == len(list((project / FOLDER / "patches").glob("*.patch")))


def test_versions(project: Path) -> None:
    files = Project(project)
    files.set_versions({"LLAMA_VERSION": "7.1.2", "GGML_VERSION": "8.3.4"}, "b12345", "x.tar.gz")
    text = (project / FOLDER / "version.bzl").read_text()
    names: dict[str, str] = {}
    exec(text, names)
    assert names["LLAMA_VERSION"] == "7.1.2"
    assert names["GGML_VERSION"] == "8.3.4"
    assert names["LLAMA_COMMIT"] == "b12345"
    assert "# The commit that x.tar.gz carries, abbreviated" in text


def test_components(project: Path) -> None:
    Project(project).set_components(COMPONENTS)
    text = (project / FOLDER / "components.bzl").read_text()
    for name, version in COMPONENTS.items():
        entry = text.partition(f'"{name}": struct(')[2].partition("    ),")[0]
        assert f'version = "{version}"' in entry
        assert f'{version}",\n        version' in entry


def test_a_file_that_is_not_as_expected_is_named(project: Path) -> None:
    (project / FOLDER / "version.bzl").write_text("")
    with pytest.raises(BumpError, match="version.bzl has no .*LLAMA_VERSION"):
        Project(project).set_versions({"LLAMA_VERSION": "1"}, "c", "x")
