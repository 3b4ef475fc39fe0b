"""The run path of the CUDA library."""

from __future__ import annotations

from command_line_facts import LIBRARY
from nested_bazel import Workspace

pytest_plugins = ["command_line_fixtures"]


def test_the_library_looks_for_its_runtime_in_nvidias_packages(workspace: Workspace) -> None:
    (link,) = workspace.actions(f'mnemonic("CppLink", {LIBRARY})')
    paths = [word for word in link["arguments"] if word.startswith("-Wl,-rpath,")]
    assert paths == ["-Wl,-rpath,$ORIGIN", "-Wl,-rpath,$ORIGIN/../../nvidia/cu13/lib"]
