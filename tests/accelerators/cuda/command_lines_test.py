"""Command lines of ggml's CUDA backend, queried from a nested Bazel that gets a toolkit by path.

The toolkit is made of empty files: nothing is compiled, so neither NVIDIA's wheels nor their half
gigabyte are needed.
"""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path
from typing import Any

import toolkits
from nested_bazel import NestedBazelError, Workspace, project_workspace
from upstream_sources import cuda_sources

_TARGET = "@llama_cpp//:ggml-cuda_so"
_COMPILES = f'mnemonic("CudaCompile", deps({_TARGET}))'
_RELEASE = [
    "arch=compute_75,code=sm_75",
    "arch=compute_80,code=sm_80",
    "arch=compute_86,code=sm_86",
    "arch=compute_89,code=sm_89",
    "arch=compute_90,code=sm_90",
    "arch=compute_90,code=compute_90",
    "arch=compute_120a,code=sm_120a",
    "arch=compute_121a,code=sm_121a",
]


def _architectures(action: dict[str, Any]) -> list[str]:
    prefix = "-gencode="
    return [word[len(prefix) :] for word in action["arguments"] if word.startswith(prefix)]


class CommandLinesTest(unittest.TestCase):
    workspace: Workspace

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(dir=os.environ["TEST_TMPDIR"])
        cls.addClassCleanup(folder.cleanup)
        root = Path(folder.name)
        cls.toolkit = toolkits.make_toolkit(root / "toolkit")
        cls.workspace = project_workspace(root, CUDA_PATH=str(cls.toolkit))
        cls.addClassCleanup(cls.workspace.remove)

    def test_every_source_is_compiled_once_for_the_gpus_of_a_release(self) -> None:
        compiles = self.workspace.actions(_COMPILES)
        sources = [action["arguments"][action["arguments"].index("-c") + 1] for action in compiles]
        _, tree = self.workspace.external_repository("llama_cpp")
        self.assertEqual(
            sorted(cuda_sources(tree)),
            sorted(source.partition("/ggml-cuda/")[2] for source in sources),
        )
        for action in compiles:
            self.assertEqual(_architectures(action), _RELEASE)

    def test_the_flag_names_other_architectures(self) -> None:
        flag = "--@rules_cuda//cuda:archs=compute_80:sm_80,sm_86;compute_90"
        for action in self.workspace.actions(_COMPILES, flag):
            self.assertEqual(
                _architectures(action),
                [
                    "arch=compute_80,code=sm_80",
                    "arch=compute_80,code=sm_86",
                    "arch=compute_90,code=compute_90",
                ],
            )

    def test_a_wrong_architecture_is_named(self) -> None:
        with self.assertRaisesRegex(
            NestedBazelError, '"sm90" is no CUDA architecture; write sm_90'
        ):
            self.workspace.actions(_COMPILES, "--@rules_cuda//cuda:archs=sm90")

    def test_flags(self) -> None:
        for action in self.workspace.actions(_COMPILES):
            words = action["arguments"]
            for expected in (
                "-O3",
                "-use_fast_math",
                "-extended-lambda",
                "-compress-mode=size",
                "-objtemp",
                "-DGGML_CUDA_USE_GRAPHS",
                "-DGGML_BACKEND_BUILD",
                "-fvisibility=hidden",
            ):
                self.assertIn(expected, words)
            self.assertFalse([word for word in words if "NCCL" in word])

    def test_nothing_names_a_place_of_this_machine(self) -> None:
        for action in self.workspace.actions(_COMPILES):
            absolute = [word for word in action["arguments"] if word.startswith("/")]
            self.assertEqual(absolute, [])
            environment = {pair["key"]: pair["value"] for pair in action["environmentVariables"]}
            self.assertEqual(environment["PATH"], "/usr/bin:/bin")
            self.assertNotIn(str(self.toolkit), str(action))

    def test_the_library_looks_for_its_runtime_in_nvidias_packages(self) -> None:
        (link,) = self.workspace.actions(f'mnemonic("CppLink", {_TARGET})')
        paths = "-Wl,-rpath,$ORIGIN:$ORIGIN/../../nvidia/cu13/lib"
        self.assertIn(paths, " ".join(link["arguments"]))

    def test_a_folder_without_nvcc_is_no_toolkit(self) -> None:
        empty = self.toolkit.parent / "empty"
        empty.mkdir()
        other = self.workspace.with_variables(CUDA_PATH=str(empty))
        with self.assertRaisesRegex(NestedBazelError, "is no CUDA toolkit: it has no bin/nvcc"):
            other.actions(_COMPILES)


if __name__ == "__main__":
    unittest.main()
