"""The program in a copy of this project: forth to other sources, and back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Write

from tools.bump.archive import sha256
from tools.bump.rewrite import Project
from tools.bump.source import Pin

NEW = {
    "include/llama.h": (
        "enum llama_vocab_type { LLAMA_VOCAB_TYPE_NONE = 0, LLAMA_VOCAB_TYPE_NEW = 90, };\n"
        "int llama_new(void);\n"
    ),
    "vendor/stb/stb_image.h": "/* stb_image - v95.1 - public domain\n",
    "src/llama-new.cpp": "",
}


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.bump.bump_llama_cpp", *arguments],
        cwd=project,
        env={**os.environ, "BUILD_WORKSPACE_DIRECTORY": str(project)},
        capture_output=True,
        text=True,
    )


def texts(project: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(project)): path.read_bytes()
        for folder in ("llama_cpp", "third_party")
        for path in (project / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture
def pinned(project: Path, pack: Write, write_tree: Write) -> Path:
    """Returns the project, whose pin is a made-up sdist; other-2 has newer sources."""
    packed = pack("some-1", llama=write_tree("old", {}))
    pack("other-2", deep=write_tree("new", NEW))
    files = Project(project)
    files.set_pin(Pin("some", packed.name, sha256(packed), "some-1/llama"))
    for name in files.patches():
        # The real ones are for the real sources.
        (project / f"third_party/llama.cpp/patches/{name}.patch").write_text("")
    assert run(project, "some==1", "--commit=b1").returncode == 0
    return project


def test_forth_and_back(pinned: Path) -> None:
    before = texts(pinned)
    forth = run(pinned, "other==2", "--commit=b2")
    assert forth.returncode == 0, forth.stderr
    for line in (
        "+ function llama_new: int llama_new(void)",
        "+ enumerator LLAMA_VOCAB_TYPE_NEW: 90",
        "+ src/llama-new.cpp",
        "third_party/llama.cpp/pin.bzl",
        "./bazelw test //...",
    ):
        assert line in forth.stdout.splitlines()
    after = texts(pinned)
    assert {path for path in after if after[path] != before[path]} == {
        "third_party/llama.cpp/components.bzl",
        "third_party/llama.cpp/pin.bzl",
        "third_party/llama.cpp/version.bzl",
    }
    back = run(pinned, "some==1", "--commit=b1")
    assert back.returncode == 0, back.stderr
    assert "- function llama_new: int llama_new(void)" in back.stdout
    assert texts(pinned) == before


def test_a_dry_run_writes_nothing(pinned: Path) -> None:
    before = texts(pinned)
    result = run(pinned, "other==2", "--commit=b2", "--dry-run")
    assert result.returncode == 0 and "llama_new" in result.stdout
    assert texts(pinned) == before


def test_a_patch_that_no_longer_applies(pinned: Path) -> None:
    (name, *_) = Project(pinned).patches()
    patch = pinned / f"third_party/llama.cpp/patches/{name}.patch"
    patch.write_text("--- a/common/common.h\n+++ b/common/common.h\n@@ -1 +1 @@\n-old\n+new\n")
    result = run(pinned, "other==2", "--commit=b2")
    assert (
        f"! {name} no longer applies:\n    common/common.h, once at line 1:\n    -old"
        in result.stdout
    )


def test_a_checkout_leaves_the_pin(pinned: Path, write_tree: Write) -> None:
    before = texts(pinned)
    result = run(pinned, str(write_tree("checkout", NEW)), "--commit=b2")
    assert result.returncode == 0, result.stderr
    assert "third_party/llama.cpp/use_checkout.sh" in result.stdout
    pin = "third_party/llama.cpp/pin.bzl"
    assert texts(pinned)[pin] == before[pin]


def test_an_error_writes_nothing_and_names_the_next_command(pinned: Path) -> None:
    before = texts(pinned)
    result = run(pinned, "other==2")
    assert result.returncode == 1
    assert result.stderr.startswith("bump_llama_cpp: other-2.tar.gz does not say which commit")
    assert (
        result.stderr.splitlines()[-1]
        .strip()
        .startswith("./bazelw run //tools:bump_llama_cpp -- other==2")
    )
    assert texts(pinned) == before
