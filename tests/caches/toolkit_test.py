"""The CUDA toolkit is part of the keys of its own compiles, and of no other key.

nvcc is a script here that writes its arguments and a header of its toolkit into the object: only
keys are compared, and the compiles of the real one take 20 minutes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
import toolkits
from counts import row
from nested_bazel import Spawn, Workspace, project_workspace

pytest_plugins = ["counts_fixtures", "nested_bazel_fixtures"]

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


@dataclasses.dataclass(frozen=True)
class _Builds:
    """A workspace with a toolkit, and its first builds.

    Attributes:
        workspace: The workspace.
        toolkit: Directory of the toolkit.
        cpu: The build for CPUs, out of the user's disk cache if it is there: no key of it is a
            toolkit's.
        cuda: The build for CUDA after it, with a disk cache of the test's own.
    """

    workspace: Workspace
    toolkit: Path
    cpu: list[Spawn]
    cuda: list[Spawn]


@pytest.fixture(scope="module")
def built(nested_folder: Path) -> Iterator[_Builds]:
    """Yields the first builds."""
    toolkit = toolkits.make_toolkit(nested_folder / "toolkit")
    (toolkit / "bin/nvcc").write_text(_NVCC)
    with project_workspace(nested_folder, CUDA_PATH=str(toolkit)) as plain:
        # All outputs, since the test's own cache does not have them.
        cpu = plain.build(_CPU_TARGETS, "--remote_download_outputs=all")
        disk_cache = f"--disk_cache={nested_folder}/disk-cache"
        workspace = dataclasses.replace(plain, options=(*plain.options, disk_cache))
        yield _Builds(workspace, toolkit, cpu, workspace.build(_TARGETS, _CUDA))


@pytest.fixture
def builds(built: _Builds) -> Iterator[_Builds]:
    """Yields the first builds for one change, which is undone at the end."""
    yield built
    (built.toolkit / _HEADER).write_text("")
    back = built.workspace.build(_TARGETS, _CUDA)
    assert [spawn.label for spawn in back if not spawn.cached] == []


@pytest.fixture
def assert_all_of_cuda_again(built, assert_in_table):
    """Returns a function that checks a build after a change, and its line."""

    def assert_all_of_cuda_again(change: str, spawns: list[Spawn]) -> None:
        assert len(spawns) == len(_of_cuda(built.cuda))
        assert [spawn.label for spawn in spawns if spawn.cached] == []
        assert_in_table(row(change, _SHOWN, spawns))

    return assert_all_of_cuda_again


def test_accelerator_and_back(builds, assert_in_table):
    assert "CppCompile" in {spawn.mnemonic for spawn in builds.cpu}
    assert {spawn.mnemonic for spawn in builds.cuda} == _CUDA_KINDS
    assert [spawn.label for spawn in builds.cuda if spawn.cached] == []
    assert_in_table(row("accelerator: CPU to CUDA", " ".join(_TARGETS), builds.cuda))
    back = builds.workspace.build(_CPU_TARGETS)
    assert back == []
    assert_in_table(row("and back", _CPU_TARGETS[0], back))


def test_gpu_architectures(builds, assert_all_of_cuda_again):
    architectures = "--@rules_cuda//cuda:archs=sm_90"
    spawns = builds.workspace.build(_TARGETS, _CUDA, architectures)
    assert_all_of_cuda_again("GPU architectures", spawns)


def test_toolkit(builds, assert_all_of_cuda_again):
    (builds.toolkit / _HEADER).write_text("// changed\n")
    spawns = builds.workspace.build(_TARGETS, _CUDA)
    assert_all_of_cuda_again(f"the toolkit: its `{_HEADER}`", spawns)


def test_the_wheel_of_one_accelerator_is_never_that_of_another(built):
    """Keys of the real wheel: whether a cache that has one answers a request for the other."""
    query = 'mnemonic("PyAbiWheel", //:wheel_cp314)'
    libraries = f'inputs(".*/libggml-cuda.so", {query})'
    # Both of one accelerator in a row: each change of it is an analysis of everything.
    (cuda,) = built.workspace.actions(query, _CUDA)
    assert len(built.workspace.actions(libraries, _CUDA)) == 1
    (cpu,) = built.workspace.actions(query)
    assert len(built.workspace.actions(libraries)) == 0
    assert cpu["actionKey"] != cuda["actionKey"]
