"""The wheels of all Python ABIs are one graph: what they share is compiled once.

Builds `//:wheel` and then `//:wheels` in a copy of the project, with the user's disk cache, and reads out of Bazel's
execution log which actions each of the two had. An action counts wherever its outputs came from.
"""

from __future__ import annotations

import collections
import os
import re
import shutil
import unittest
from pathlib import Path

import nested_bazel
from nested_bazel import Spawn, Workspace

_LLAMA_CPP = re.compile(r"llama_cpp//:")
_BINDING = re.compile(r"//llama_cpp/_core:core_(cp\d+t?)(_objects)?$")
_WHEEL = re.compile(r"//:wheel_(cp\d+t?)$")


def _built_files(spawns: list[Spawn], mnemonic: str) -> list[str]:
    """Paths of what actions of a kind made, without the folder of the configuration."""
    return [
        re.sub(r"^bazel-out/[^/]+/", "", path)
        for spawn in spawns
        if spawn.mnemonic == mnemonic
        for path in spawn.outputs
    ]


def _count(spawns: list[Spawn]) -> str:
    kinds = collections.Counter(spawn.mnemonic for spawn in spawns)
    return ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))


class MatrixTest(unittest.TestCase):
    """Both builds happen once for all tests."""

    @classmethod
    def setUpClass(cls) -> None:
        # Always the same folder: bazelw remembers something about each one.
        folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, folder)
        nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], folder / "project")
        environment = nested_bazel.inherited_environment()
        options = nested_bazel.common_options(environment)
        workspace = Workspace(folder / "project", folder / "output", environment, options)
        cls.addClassCleanup(workspace.remove)
        cls.one = workspace.build(["//:wheel"])
        cls.others = workspace.build(["//:wheels"])
        print(f"//:wheel: {_count(cls.one)}")
        print(f"//:wheels, after it: {_count(cls.others)}")

    def test_there_is_one_wheel_for_each_abi(self) -> None:
        wheels = [
            match[1]
            for spawn in self.one + self.others
            if spawn.mnemonic == "PyAbiWheel" and (match := _WHEEL.search(spawn.label))
        ]
        print(f"wheels: {', '.join(sorted(wheels))}")
        self.assertEqual(len(set(wheels)), len(wheels))
        # The newest are Debian's, whatever the machine has; free-threaded ones need no headers of their own.
        self.assertLessEqual({"cp314", "cp314t"}, set(wheels))

    def test_each_unit_of_llama_cpp_is_compiled_once(self) -> None:
        spawns = [s for s in self.one + self.others if _LLAMA_CPP.search(s.label)]
        objects = [path for path in _built_files(spawns, "CppCompile") if path.endswith(".o")]
        print(f"llama.cpp: {len(objects)} objects, {len(set(objects))} different ones")
        self.assertGreater(len(objects), 300)
        self.assertEqual(len(set(objects)), len(objects))

    def test_another_abi_costs_its_binding_and_its_wheel(self) -> None:
        shared = [
            f"{spawn.mnemonic} of {spawn.label}"
            for spawn in self.others
            if not _BINDING.search(spawn.label) and not _WHEEL.search(spawn.label)
        ]
        self.assertEqual([], shared)
        kinds = {spawn.mnemonic for spawn in self.others}
        self.assertEqual({"CheckWheel", "CppCompile", "CppLink", "PyAbiWheel"}, kinds)


if __name__ == "__main__":
    unittest.main()
