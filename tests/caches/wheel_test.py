"""The cost of a change of the real wheel's name, Python ABI or accelerator.

A copy of the project is built with the user's disk cache, one change after the other in the same
output root, and Bazel's execution log says which actions had another key than before.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from counts import row
from nested_bazel import NestedBazelError, Spawn, Workspace, project_workspace

pytest_plugins = ["counts_fixtures", "nested_bazel_fixtures"]

_WHEEL = "//:wheel_cp314"
_OTHER_ABI = "//:wheel_cp314t"
_INDEX = "//index_of_one:index"
_INDEX_BUILD = f"""\
load("//bazel/index:defs.bzl", "wheel_index")

wheel_index(
    name = "index",
    wheels = ["{_WHEEL}"],
)
"""
_NAMING = ["CheckWheel", "PyAbiWheel", "WheelIndex"]
_VULKAN = "--platforms=//platforms:linux_x86_64_vulkan"

_LLAMA_CPP = re.compile(r"llama_cpp//:")
_BINDING = re.compile(r"//native/binding:module_(cp\d+t?)(_context|_model)?$")
_ANY_WHEEL = re.compile(r"//:wheel_(cp\d+t?)$")


def _built_files(spawns: list[Spawn], mnemonic: str) -> list[str]:
    """Returns the output paths of actions of a kind, without the directory of the configuration."""
    return [
        re.sub(r"^bazel-out/[^/]+/", "", path)
        for spawn in spawns
        if spawn.mnemonic == mnemonic
        for path in spawn.outputs
    ]


def _kinds(spawns: list[Spawn]) -> list[str]:
    return sorted(spawn.mnemonic for spawn in spawns)


@dataclasses.dataclass(frozen=True)
class _Project:
    """A workspace after its first build.

    Attributes:
        workspace: The workspace.
        first: The actions of that build.
    """

    workspace: Workspace
    first: list[Spawn]

    def wheel(self, *options: str) -> Path:
        """Returns the file of the wheel that was built last."""
        name = self.workspace.output_file(_WHEEL, *options)
        assert name.exists(), name
        return name


@pytest.fixture(scope="module")
def built(nested_folder: Path) -> Iterator[_Project]:
    """Yields the project after its first build."""
    with project_workspace(nested_folder) as workspace:
        package = workspace.folder / "index_of_one"
        package.mkdir()
        (package / "BUILD.bazel").write_text(_INDEX_BUILD)
        yield _Project(workspace, workspace.build([_WHEEL, _INDEX]))


@pytest.fixture
def project(built: _Project) -> Iterator[_Project]:
    """Yields the project for one change, after which everything comes out of the cache."""
    yield built
    back = built.workspace.build([_WHEEL, _INDEX])
    assert [spawn for spawn in back if not spawn.cached] == []


def test_accelerator_and_back(project, assert_in_table):
    cpu = project.wheel()
    try:
        flipped = project.workspace.build([_WHEEL], _VULKAN)
    except NestedBazelError as error:
        if "incompatible" in str(error):
            pytest.skip("Debian's packages for Vulkan can't be had here")
        raise
    for spawn in flipped:
        assert re.search(r"vulkan|//:wheel_cp314$", spawn.label)
    assert_in_table(row("accelerator: CPU to Vulkan", _WHEEL, flipped, executed=False))
    vulkan = project.wheel(_VULKAN)
    back = project.workspace.build([_WHEEL])
    assert [spawn for spawn in back if not spawn.cached] == []
    assert_in_table(row("and back", _WHEEL, back))
    _assert_wheels_are_what_was_asked_for({"cpu": cpu, "vulkan": vulkan})


def _assert_wheels_are_what_was_asked_for(wheels: dict[str, Path]) -> None:
    """This project's reason: a wheel of one configuration is never served for another."""
    libraries = {}
    for label, wheel in wheels.items():
        assert f"+{label}-" in wheel.name
        with zipfile.ZipFile(wheel) as archive:
            libraries[label] = {Path(name).name for name in archive.namelist() if ".so" in name}
    assert libraries["vulkan"] - libraries["cpu"] == {"libggml-vulkan.so"}
    assert libraries["cpu"] - libraries["vulkan"] == set()


@pytest.mark.skipif(not shutil.which("git"), reason="no git on PATH")
def test_commit(project, assert_in_table):
    git = ["git", "-C", project.workspace.folder, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "a commit"], check=True)
    spawns = project.workspace.build([_WHEEL, _INDEX])
    assert spawns == []
    assert_in_table(row("commit of this project", _INDEX, spawns))


def test_each_unit_of_llama_cpp_is_compiled_once(built):
    spawns = [spawn for spawn in built.first if _LLAMA_CPP.search(spawn.label)]
    objects = [path for path in _built_files(spawns, "CppCompile") if path.endswith(".o")]
    print(f"llama.cpp: {len(objects)} objects, {len(set(objects))} different ones")
    assert len(objects) > 300
    assert len(objects) == len(set(objects))


@pytest.fixture
def assert_only_the_name_changes(project, assert_in_table):
    """Returns a function that builds with a flag whose value no cache has ever seen."""

    def assert_only_the_name_changes(change: str, flag: str) -> None:
        spawns = project.workspace.build([_WHEEL, _INDEX], f"{flag}{time.time_ns()}")
        assert _kinds(spawns) == _NAMING
        assert_in_table(row(change, _INDEX, spawns))

    return assert_only_the_name_changes


def test_local_label(assert_only_the_name_changes):
    assert_only_the_name_changes("local label (`--//:local_label`)", "--//:local_label=l")


def test_python_abi(built, assert_in_table):
    spawns = built.workspace.build([_OTHER_ABI])
    assert spawns
    for spawn in spawns:
        assert re.search(r"//:wheel_cp314t$|//native/binding:module_cp314t", spawn.label)
    assert_in_table(row("Python ABI", _OTHER_ABI, spawns, executed=False))


def test_version(assert_only_the_name_changes):
    assert_only_the_name_changes("version (`--//:version`)", "--//:version=9.")


def test_wheels_of_all_abis_are_one_graph(built):
    others = built.workspace.build(["//:wheels"])
    wheels = [
        match[1]
        for spawn in built.first + others
        if spawn.mnemonic == "PyAbiWheel" and (match := _ANY_WHEEL.search(spawn.label))
    ]
    print(f"wheels: {', '.join(sorted(wheels))}")
    assert len(wheels) == len(set(wheels))
    shared = [
        f"{spawn.mnemonic} of {spawn.label}"
        for spawn in others
        if not _BINDING.search(spawn.label) and not _ANY_WHEEL.search(spawn.label)
    ]
    assert shared == []
