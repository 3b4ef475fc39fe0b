"""examples/monorepo, in a copy: a workspace that depends on this module, used as its page says.

Its own Bazel, with the user's disk cache: results of this project's build are hits there. The
counts are out of Bazel's execution log.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import nested_bazel
from counts import CountsTestCase, row
from nested_bazel import Workspace

_LLAMA = "@llama_cpp_python//:llama"
# Of llama.cpp, zig's runtime, and their outputs without this module's own files.
_SHARED = re.compile(r"llama_cpp_repositories~~third_party~(llama_cpp|zig_linux_x86_64)//")
_TESTS = ["generate_test", "count_tokens_test"]


def _compiles_by(actions: list[dict]) -> set[str]:
    return {action["arguments"][0] for action in actions}


"""Everything is built once for all tests."""


@classmethod


def setUpClass(cls) -> None:
    super().setUpClass()
    # Always the same directory: bazelw remembers something about each one.
    folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
    cls.addClassCleanup(shutil.rmtree, folder)
    nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], folder / "project")
    environment = nested_bazel.inherited_environment()
    cls.workspace = Workspace(
        folder / "project/examples/monorepo",
        folder / "output",
        environment,
        nested_bazel.common_options(environment),
        bazelw="../../bazelw",
    )
    cls.addClassCleanup(cls.workspace.remove)
    cls.spawns = cls.workspace.build(["//..."])


def test_what_the_main_build_has_compiled_is_not_compiled_again():
    shared = [spawn for spawn in self.spawns if _SHARED.search(spawn.label)]
    print(f"of {len(self.spawns)} actions {len(shared)} are shared with the main build")
    assert len(shared) > 400
    assert [f"{s.mnemonic} of {s.label}" for s in shared if not s.cached] == []
    self.assert_in_table(row("the same in a monorepo that depends on it", "//...", shared))


def test_programs_run_the_model():
    said = self.workspace.test([f"//:{name}" for name in _TESTS])
    for name in _TESTS:
        assert re.search(rf"//:{name}\s+(\(cached\) )?PASSED", said)
    said = self.workspace.run("//:generate", str(_model()), "In the beginning")
    print(f"generate: {said!r}")
    assert said.strip()


def _model() -> Path:
    return self.workspace.folder.parents[1] / "tests/models/kjv-q8_0.gguf"


def test_its_own_compiler_wins_where_it_is_registered():
    query = f'mnemonic("CppCompile", deps({_LLAMA}))'
    assert len(_compiles_by(self.workspace.actions(query))) == 1
    gcc = self.workspace.actions(query, "--platforms=//platforms:gcc_workstation")
    assert _compiles_by(gcc) == {"/usr/bin/gcc"}


def test_gcc_does_not_build_the_variant_that_it_breaks():
    query = 'mnemonic("CppLink", deps(@llama_cpp_python//llama_cpp))'
    for platform, has_it in (("workstation", True), ("gcc_workstation", False)):
        links = self.workspace.actions(query, f"--platforms=//platforms:{platform}")
        words = " ".join(word for link in links for word in link["arguments"])
        assert has_it == ("libggml-cpu-sapphirerapids.so" in words), platform


def test_its_own_platform_chooses_the_accelerator():
    query = 'mnemonic("PyAbiWheel", deps(@llama_cpp_python//llama_cpp))'
    (cpu,) = self.workspace.actions(query)
    assert re.search(r"\+cpu-.*-manylinux_2_17_x86_64\.whl$", cpu["arguments"][-1])
    (cuda,) = self.workspace.actions(query, "--config=gpu")
    assert re.search(r"\+cu13-.*-manylinux_2_28_x86_64\.whl$", cuda["arguments"][-1])
