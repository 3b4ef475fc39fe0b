"""CUDA 12's own toolkit, host compiler and libraries."""

from __future__ import annotations

from command_line_facts import FACTS, LIBRARY
from command_lines import Action, Compiles, value_of
from nested_bazel import Workspace

pytest_plugins = ["command_line_fixtures"]


def test_nvcc_and_its_host_compiler(kind: Compiles, compiles: list[Action]) -> None:
    for action in compiles:
        words = action["arguments"]
        assert words[0].endswith("cuda12_toolkit/bin/nvcc")
        assert value_of(words, "-ccbin").endswith("cuda12_zig/zig-cc.sh")
        # Options that nvcc 12.4 does not know.
        assert [word for word in words if word.startswith(("--frandom-seed", "-compress"))] == []


def test_the_library_needs_cuda_12(workspace: Workspace) -> None:
    (link,) = workspace.actions(f'mnemonic("CppLink", {LIBRARY})', *FACTS.options)
    words = link["arguments"]
    paths = [word for word in words if word.startswith("-Wl,-rpath,")]
    nvidia = "$ORIGIN/../../nvidia"
    assert paths == [
        "-Wl,-rpath,$ORIGIN",
        f"-Wl,-rpath,{nvidia}/cublas/lib:{nvidia}/cuda_runtime/lib",
    ]


def test_headers_for_libcxx(workspace: Workspace, compiles: list[Action]) -> None:
    """Two headers of the toolkit are wrapped, and keep their text under another name."""
    assert compiles
    # The main repository sees the small one beside it alone.
    canonical, cuda = workspace.external_repository("cuda")
    tree = cuda.with_name(f"{canonical}12_toolkit")
    for suffix in ("h", "hpp"):
        wrapper = (tree / f"include/crt/math_functions.{suffix}").read_text()
        assert f'#include "math_functions_of_nvidia.{suffix}"' in wrapper
        assert (tree / f"include/crt/math_functions_of_nvidia.{suffix}").is_file()


def test_the_other_accelerators_library_is_for_cuda_13(workspace: Workspace) -> None:
    (link,) = workspace.actions(f'mnemonic("CppLink", {LIBRARY})')
    assert "-Wl,-rpath,$ORIGIN/../../nvidia/cu13/lib" in link["arguments"]
