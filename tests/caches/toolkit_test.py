"""The CUDA toolkit is part of the keys of its own compiles, and of no other key.

nvcc is a script here that writes its arguments and a header of its toolkit into the object: only
keys are compared, and the compiles of the real one take 20 minutes.
"""

from __future__ import annotations

import os
import shutil
import unittest
from pathlib import Path

import toolkits
from counts import CountsTestCase, row
from nested_bazel import Spawn, project_workspace

_TARGETS = ["@llama_cpp//:ggml-base_so", "@llama_cpp//:ggml-cuda_objects"]
_CPU_TARGETS = _TARGETS[:1]
_CUDA = "--platforms=//platforms:linux_x86_64_cuda"
_SHOWN = "@llama_cpp//:ggml-cuda_objects"
_HEADER = "include/cuda.h"
_NVCC = """\
#!/bin/sh
arguments="$*"
while [ "$1" != -o ]; do shift; done
{ echo "$arguments"; cat "${0%/bin/nvcc}/include/cuda.h"; } >"$2"
"""
# Of the sources of tests/accelerators/cuda, and their archive.
_CUDA_KINDS = {"CudaCompile", "CppArchive"}


def _of_cuda(spawns: list[Spawn]) -> list[Spawn]:
    return [spawn for spawn in spawns if "ggml-cuda" in spawn.label]


class ToolkitTest(CountsTestCase):
    """The first builds happen once for all tests."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # Always the same directory: bazelw remembers something about each one.
        folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.toolkit = toolkits.make_toolkit(folder / "toolkit")
        (cls.toolkit / "bin/nvcc").write_text(_NVCC)
        disk_cache = f"--disk_cache={folder}/disk-cache"
        cls.workspace = project_workspace(folder, disk_cache, CUDA_PATH=str(cls.toolkit))
        cls.addClassCleanup(cls.workspace.remove)
        cls.cpu = cls.workspace.build(_CPU_TARGETS)
        cls.cuda = cls.workspace.build(_TARGETS, _CUDA)

    def setUp(self) -> None:
        # An earlier test leaves this behind if it failed.
        self.workspace.build(_TARGETS, _CUDA)

    def _assert_all_of_cuda_again(self, change: str, spawns: list[Spawn]) -> None:
        self.assertEqual(len(_of_cuda(self.cuda)), len(spawns))
        self.assertEqual([], [spawn.label for spawn in spawns if spawn.cached])
        self.assert_in_table(row(change, _SHOWN, spawns))

    def _assert_undone(self) -> None:
        back = self.workspace.build(_TARGETS, _CUDA)
        self.assertEqual([], [spawn.label for spawn in back if not spawn.cached])

    def test_accelerator_and_back(self) -> None:
        self.assertIn("CppCompile", {spawn.mnemonic for spawn in self.cpu})
        self.assertEqual(_CUDA_KINDS, {spawn.mnemonic for spawn in self.cuda})
        self.assertEqual([], [spawn.label for spawn in self.cuda if spawn.cached])
        self.assert_in_table(row("accelerator: CPU to CUDA", " ".join(_TARGETS), self.cuda))
        back = self.workspace.build(_CPU_TARGETS)
        self.assertEqual([], back)
        self.assert_in_table(row("and back", _CPU_TARGETS[0], back))
        self._assert_undone()

    def test_toolkit(self) -> None:
        header = self.toolkit / _HEADER
        header.write_text("// changed\n")
        spawns = self.workspace.build(_TARGETS, _CUDA)
        self._assert_all_of_cuda_again(f"the toolkit: its `{_HEADER}`", spawns)
        header.write_text("")
        self._assert_undone()

    def test_gpu_architectures(self) -> None:
        spawns = self.workspace.build(_TARGETS, _CUDA, "--@rules_cuda//cuda:archs=sm_90")
        self._assert_all_of_cuda_again("GPU architectures", spawns)
        self._assert_undone()

    def test_the_wheel_of_one_accelerator_is_never_that_of_another(self) -> None:
        """Keys of the real wheel: whether a cache that has one answers a request for the other."""
        query = 'mnemonic("PyAbiWheel", //:wheel_cp314)'
        (cpu,) = self.workspace.actions(query)
        (cuda,) = self.workspace.actions(query, _CUDA)
        self.assertNotEqual(cpu["actionKey"], cuda["actionKey"])
        libraries = 'inputs(".*/libggml-cuda.so", mnemonic("PyAbiWheel", //:wheel_cp314))'
        self.assertEqual(0, len(self.workspace.actions(libraries)))
        self.assertEqual(1, len(self.workspace.actions(libraries, _CUDA)))


if __name__ == "__main__":
    unittest.main()
