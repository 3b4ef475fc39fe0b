"""use_checkout.sh, with a stand-in for bazelw that only tells a repository's name."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_FILES = [Path(os.environ[variable]) for variable in ("LLAMA_CPP_BUILD", "USE_CHECKOUT")]
_PATCHES = [Path(patch).absolute() for patch in os.environ["PATCHES"].split()]
_BAZELW = """#!/bin/sh
[ "$1 $2" = "mod dump_repo_mapping" ] || exit 1
echo '{"":"","llama_cpp":"_main~third_party~llama_cpp","llama_cpp_python":""}'
"""
_needs_git = pytest.mark.skipif(not shutil.which("git"), reason="no git on PATH")


class Project:
    """As much of this project as the script needs, and a checkout of llama.cpp.

    Attributes:
        overlay: Directory of the script.
        checkout: The checkout.
    """

    def __init__(self, folder: Path) -> None:
        project = folder / "a project"
        self.overlay = project / "third_party/llama.cpp"
        self.overlay.mkdir(parents=True)
        for file in _FILES:
            shutil.copy(file, self.overlay)
        (project / "bazelw").write_text(_BAZELW)
        (project / "bazelw").chmod(0o755)
        self.checkout = folder / "my llama.cpp"
        for name in ("include/llama.h", "ggml/include/ggml.h", "common/common.h"):
            (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (self.checkout / name).touch()

    def run_script(self, *arguments: Path) -> subprocess.CompletedProcess[str]:
        script = self.overlay / "use_checkout.sh"
        return subprocess.run([script, *arguments], capture_output=True, text=True)

    def assert_refused(self, words: str, *arguments: Path) -> None:
        result = self.run_script(*arguments)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.count("\n") == 1, result.stderr
        assert words in result.stderr


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_prints_the_flag_and_links_the_overlay(project: Project) -> None:
    expected = f"--override_repository=_main~third_party~llama_cpp={project.checkout}\n"
    for _ in range(2):
        result = project.run_script(project.checkout)
        assert (result.returncode, result.stdout, result.stderr) == (0, expected, "")
        build = project.checkout / "BUILD.bazel"
        assert build.resolve() == project.overlay / "llama_cpp.BUILD"
        assert (project.checkout / "REPO.bazel").exists()


@_needs_git
def test_git_ignores_what_was_added(project: Project) -> None:
    subprocess.run(["git", "init", "--quiet", project.checkout], check=True)
    project.run_script(project.checkout)
    project.run_script(project.checkout)
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    result = subprocess.run(status, cwd=project.checkout, capture_output=True, text=True)
    assert "include/llama.h" in result.stdout
    assert "bazel" not in result.stdout
    exclude = (project.checkout / ".git/info/exclude").read_text().splitlines()
    assert exclude.count("/BUILD.bazel") == 1


@_needs_git
def test_names_the_patches_that_the_checkout_lacks(project: Project) -> None:
    patches = project.overlay / "patches"
    patches.mkdir()
    (patches / "greeting.patch").write_text(
        "Why.\n\n--- a/include/llama.h\n+++ b/include/llama.h\n@@ -1 +1,2 @@\n one\n+two\n"
    )
    header = project.checkout / "include/llama.h"
    header.write_text("one\n")
    hint = project.run_script(project.checkout).stderr.splitlines()
    assert "lacks patches" in hint[0]
    subprocess.run(hint[1], shell=True, check=True)
    assert header.read_text() == "one\ntwo\n"
    assert project.run_script(project.checkout).stderr == ""


@_needs_git
@pytest.mark.parametrize("patch", _PATCHES, ids=lambda patch: patch.name)
def test_the_patches_are_unified_diffs(patch: Path) -> None:
    command = ["git", "apply", "--numstat", patch]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stderr == ""


def test_refuses_what_is_no_checkout(project: Project) -> None:
    (project.checkout / "include/llama.h").unlink()
    project.assert_refused("it has no include/llama.h", project.checkout)
    project.assert_refused("is no folder", project.checkout / "missing")
    project.assert_refused("usage:")
    assert not (project.checkout / "BUILD.bazel").exists()


def test_keeps_a_build_file_of_the_user(project: Project) -> None:
    build = project.checkout / "BUILD.bazel"
    build.write_text("# mine\n")
    project.assert_refused("is a file of its own", project.checkout)
    assert build.read_text() == "# mine\n"
