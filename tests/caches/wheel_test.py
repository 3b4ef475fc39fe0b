"""The cost of a change of the real wheel's name, Python ABI or accelerator.

A copy of the project is built with the user's disk cache, one change after the other in the same
output root, and Bazel's execution log says which actions had another key than before.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

from counts import CountsTestCase, row
from nested_bazel import NestedBazelError, Spawn, project_workspace

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


"""The first build happens once for all tests; each test begins with its outputs up to date."""


@classmethod


def setUpClass(cls) -> None:
    super().setUpClass()
    # Always the same directory: bazelw remembers something about each one.
    folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
    cls.addClassCleanup(shutil.rmtree, folder)
    cls.workspace = project_workspace(folder)
    cls.addClassCleanup(cls.workspace.remove)
    project = cls.workspace.folder
    (project / "index_of_one").mkdir()
    (project / "index_of_one/BUILD.bazel").write_text(_INDEX_BUILD)
    cls.first = cls.workspace.build([_WHEEL, _INDEX])


def setUp() -> None:
    # An earlier test leaves this behind.
    self.workspace.build([_WHEEL, _INDEX])


def _wheel(*options: str) -> Path:
    """Returns the file of the wheel that was built last."""
    name = self.workspace.output_file(_WHEEL, *options)
    assert name.exists(), name
    return name


def _assert_only_the_name_changes(change: str, flag: str) -> None:
    # No cache has ever seen a wheel of this name.
    spawns = self.workspace.build([_WHEEL, _INDEX], f"{flag}{time.time_ns()}")
    assert _kinds(spawns) == _NAMING
    self.assert_in_table(row(change, _INDEX, spawns))
    back = self.workspace.build([_WHEEL, _INDEX])
    assert [spawn for spawn in back if not spawn.cached] == []


def test_version():
    _assert_only_the_name_changes("version (`--//:version`)", "--//:version=9.")


def test_local_label():
    _assert_only_the_name_changes("local label (`--//:local_label`)", "--//:local_label=l")


def test_commit():
    if not shutil.which("git"):
        self.skipTest("no git on PATH")
    git = ["git", "-C", self.workspace.folder, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "a commit"], check=True)
    spawns = self.workspace.build([_WHEEL, _INDEX])
    assert spawns == []
    self.assert_in_table(row("commit of this project", _INDEX, spawns))


def test_python_abi():
    spawns = self.workspace.build([_OTHER_ABI])
    assert spawns
    for spawn in spawns:
        assert re.search(r"//:wheel_cp314t$|//native/binding:module_cp314t", spawn.label)
    self.assert_in_table(row("Python ABI", _OTHER_ABI, spawns, executed=False))


def test_wheels_of_all_abis_are_one_graph():
    others = self.workspace.build(["//:wheels"])
    wheels = [
        match[1]
        for spawn in self.first + others
        if spawn.mnemonic == "PyAbiWheel" and (match := _ANY_WHEEL.search(spawn.label))
    ]
    print(f"wheels: {', '.join(sorted(wheels))}")
    assert len(set(wheels)) == len(wheels)
    shared = [
        f"{spawn.mnemonic} of {spawn.label}"
        for spawn in others
        if not _BINDING.search(spawn.label) and not _ANY_WHEEL.search(spawn.label)
    ]
    assert shared == []


def test_each_unit_of_llama_cpp_is_compiled_once():
    spawns = [spawn for spawn in self.first if _LLAMA_CPP.search(spawn.label)]
    objects = [path for path in _built_files(spawns, "CppCompile") if path.endswith(".o")]
    print(f"llama.cpp: {len(objects)} objects, {len(set(objects))} different ones")
    assert len(objects) > 300
    assert len(set(objects)) == len(objects)


def test_accelerator_and_back():
    cpu = _wheel()
    try:
        flipped = self.workspace.build([_WHEEL], _VULKAN)
    except NestedBazelError as error:
        if "incompatible" in str(error):
            self.skipTest("Debian's packages for Vulkan can't be had here")
        raise
    for spawn in flipped:
        assert re.search(r"vulkan|//:wheel_cp314$", spawn.label)
    self.assert_in_table(row("accelerator: CPU to Vulkan", _WHEEL, flipped, executed=False))
    vulkan = _wheel(_VULKAN)
    back = self.workspace.build([_WHEEL])
    assert [spawn for spawn in back if not spawn.cached] == []
    self.assert_in_table(row("and back", _WHEEL, back))
    _assert_wheels_are_what_was_asked_for({"cpu": cpu, "vulkan": vulkan})


def _assert_wheels_are_what_was_asked_for(wheels: dict[str, Path]) -> None:
    """This project's reason: a wheel of one configuration is never served for another."""
    libraries = {}
    for label, wheel in wheels.items():
        assert f"+{label}-" in wheel.name
        with zipfile.ZipFile(wheel) as archive:
            libraries[label] = {Path(name).name for name in archive.namelist() if ".so" in name}
    assert libraries["vulkan"] - libraries["cpu"] == {"libggml-vulkan.so"}
    assert set() == libraries["cpu"] - libraries["vulkan"]
