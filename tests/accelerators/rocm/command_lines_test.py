"""Command lines of ggml's HIP backend, queried from a nested Bazel that gets a ROCm by path.

The ROCm is made of empty files: nothing is compiled, so none of Debian's packages is needed.
"""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

from nested_bazel import NestedBazelError, Workspace, project_workspace
from upstream_sources import cuda_sources

_TARGET = "@llama_cpp//:ggml-hip_so"
_COMPILES = f'mnemonic("HipCompile", deps({_TARGET}))'
_ROCM = [
    "amdgcn/bitcode/ocml.bc",
    "include/hip/hip_runtime.h",
    "llvm/bin/clang++",
    "llvm/lib/clang/19/include/cuda_wrappers/cmath",
    "share/hip/version",
]
_VERSION = """\
#define HIP_VERSION_MAJOR {}
#define HIP_VERSION_MINOR {}
"""
_RELEASE = 23


def _make_rocm(folder: Path, major: int = 6, minor: int = 4) -> Path:
    for name in _ROCM:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o755)
    (folder / "include/hip/hip_version.h").write_text(_VERSION.format(major, minor))
    return folder


def _architectures(action: dict[str, Any]) -> list[str]:
    prefix = "--offload-arch="
    return [word[len(prefix) :] for word in action["arguments"] if word.startswith(prefix)]


class CommandLinesTest(unittest.TestCase):
    workspace: Workspace

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(dir=os.environ["TEST_TMPDIR"])
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name)
        rocm = _make_rocm(cls.root / "rocm")
        cls.workspace = project_workspace(cls.root, ROCM_PATH=str(rocm))
        cls.addClassCleanup(cls.workspace.remove)
        cls.compiles = cls.workspace.actions(_COMPILES)

    def test_every_source_is_compiled_once_for_the_gpus_of_a_release(self) -> None:
        sources = [a["arguments"][a["arguments"].index("-c") + 1] for a in self.compiles]
        _, tree = self.workspace.external_repository("llama_cpp")
        # Those of the CUDA backend.
        self.assertEqual(
            sorted(cuda_sources(tree)),
            sorted(source.partition("/ggml-cuda/")[2] for source in sources),
        )
        for action in self.compiles:
            self.assertEqual(_RELEASE, len(set(_architectures(action))))

    def test_the_flag_names_other_architectures(self) -> None:
        flag = "--//bazel/toolchains/hip:archs=gfx90a,gfx1100"
        for action in self.workspace.actions(_COMPILES, flag):
            self.assertEqual(["gfx90a", "gfx1100"], _architectures(action))

    def test_a_wrong_architecture_is_named(self) -> None:
        with self.assertRaisesRegex(
            NestedBazelError, '"sm_90" is no AMD GPU architecture; write names such as gfx1100'
        ):
            self.workspace.actions(_COMPILES, "--//bazel/toolchains/hip:archs=sm_90")

    def test_flags(self) -> None:
        for action in self.compiles:
            words = action["arguments"]
            for expected in (
                "-O3",
                "-DNDEBUG",
                "-D__HIP_PLATFORM_AMD__",
                "-DGGML_USE_HIP",
                "-DGGML_HIP_GRAPHS",
                "-DGGML_HIP_NO_VMM",
                "-DGGML_BACKEND_BUILD",
                "-D__GLIBC_MINOR__=17",
                "-fvisibility=hidden",
            ):
                self.assertIn(expected, words)
            self.assertFalse([word for word in words if "NCCL" in word])

    def test_nothing_names_a_place_of_this_machine(self) -> None:
        for action in self.compiles:
            absolute = [word for word in action["arguments"] if word.startswith("/")]
            self.assertEqual([], absolute)
            self.assertNotIn(str(self.root), str(action))

    def test_units_do_not_share_an_identifier(self) -> None:
        identifiers = [
            word for action in self.compiles for word in action["arguments"] if "-cuid=" in word
        ]
        self.assertEqual(len(self.compiles), len(set(identifiers)))

    def test_another_rocm_is_refused(self) -> None:
        rocm7 = _make_rocm(self.root / "rocm7", major=7, minor=0)
        other = self.workspace.with_variables(ROCM_PATH=str(rocm7))
        with self.assertRaisesRegex(NestedBazelError, "is ROCm 7.0; wheels are labelled rocm6"):
            other.actions(_COMPILES)

    def test_a_folder_without_hip_is_no_rocm(self) -> None:
        empty = self.root / "empty"
        empty.mkdir()
        with self.assertRaisesRegex(NestedBazelError, "is no ROCm with HIP"):
            self.workspace.with_variables(ROCM_PATH=str(empty)).actions(_COMPILES)


if __name__ == "__main__":
    unittest.main()
