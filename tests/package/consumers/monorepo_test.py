"""examples/monorepo, in a copy: a workspace that depends on this module, used as its page says.

Its own Bazel, with the user's disk cache: results of this project's build are hits there. The
counts are out of Bazel's execution log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nested_bazel
import pytest
from counts import row
from nested_bazel import Spawn, Workspace

pytest_plugins = ["counts_fixtures", "nested_bazel_fixtures"]

_LLAMA = "@llama_cpp_python//:llama"
# Of llama.cpp, zig's runtime, and their outputs without this module's own files.
_SHARED = re.compile(r"llama_cpp_repositories~~third_party~(llama_cpp|zig_linux_x86_64)//")
_TESTS = ["generate_test", "count_tokens_test"]


def _compiles_by(actions: list[dict]) -> set[str]:
    return {action["arguments"][0] for action in actions}


@pytest.fixture(scope="module")
def workspace(nested_folder: Path) -> Iterator[Workspace]:
    """Yields the example in a copy of the project."""
    nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], nested_folder / "project")
    environment = nested_bazel.inherited_environment()
    with Workspace(
        nested_folder / "project/examples/monorepo",
        nested_folder / "output",
        environment,
        nested_bazel.common_options(environment),
        bazelw="../../bazelw",
    ) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def spawns(workspace: Workspace) -> list[Spawn]:
    """Returns the actions of a build of everything, which the other tests begin with."""
    return workspace.build(["//..."])


def test_what_the_main_build_has_compiled_is_not_compiled_again(spawns, assert_in_table):
    shared = [spawn for spawn in spawns if _SHARED.search(spawn.label)]
    print(f"of {len(spawns)} actions {len(shared)} are shared with the main build")
    assert len(shared) > 400
    assert [f"{s.mnemonic} of {s.label}" for s in shared if not s.cached] == []
    assert_in_table(row("the same in a monorepo that depends on it", "//...", shared))


def test_programs_run_the_model(workspace):
    said = workspace.test([f"//:{name}" for name in _TESTS])
    for name in _TESTS:
        assert re.search(rf"//:{name}\s+(\(cached\) )?PASSED", said)
    model = workspace.folder.parents[1] / "tests/models/kjv-q8_0.gguf"
    said = workspace.run("//:generate", str(model), "In the beginning")
    print(f"generate: {said!r}")
    assert said.strip()


def test_its_own_compiler_wins_where_it_is_registered(workspace):
    query = f'mnemonic("CppCompile", deps({_LLAMA}))'
    assert len(_compiles_by(workspace.actions(query))) == 1
    gcc = workspace.actions(query, "--platforms=//platforms:gcc_workstation")
    assert _compiles_by(gcc) == {"/usr/bin/gcc"}


def test_gcc_does_not_build_the_variant_that_it_breaks(workspace):
    query = 'mnemonic("CppLink", deps(@llama_cpp_python//llama_cpp))'
    # In this order, since each change of the platform is an analysis of everything.
    for platform, has_it in (("gcc_workstation", False), ("workstation", True)):
        links = workspace.actions(query, f"--platforms=//platforms:{platform}")
        words = " ".join(word for link in links for word in link["arguments"])
        assert ("libggml-cpu-sapphirerapids.so" in words) == has_it, platform


def test_its_own_platform_chooses_the_accelerator(workspace):
    query = 'mnemonic("PyAbiWheel", deps(@llama_cpp_python//llama_cpp))'
    (cpu,) = workspace.actions(query)
    assert re.search(r"\+cpu-.*-manylinux_2_17_x86_64\.whl$", cpu["arguments"][-1])
    (cuda,) = workspace.actions(query, "--config=gpu")
    assert re.search(r"\+cu13-.*-manylinux_2_28_x86_64\.whl$", cuda["arguments"][-1])
