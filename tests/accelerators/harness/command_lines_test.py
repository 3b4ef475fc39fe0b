"""Sources, flags and toolkits of a backend's library, for every accelerator."""

from __future__ import annotations

import re

import pytest
from command_line_facts import FACTS
from command_lines import Action, Compiles, value_of
from nested_bazel import NestedBazelError, Workspace

pytest_plugins = ["command_line_fixtures"]


def test_every_source_is_compiled_once(
    workspace: Workspace, kind: Compiles, compiles: list[Action]
) -> None:
    sources = [value_of(action["arguments"], "-c") for action in compiles]
    names = [source.rpartition(kind.below)[2] for source in sources]
    assert sorted(names) == sorted(kind.sources(workspace))


def test_flags(kind: Compiles, compiles: list[Action]) -> None:
    for action in compiles:
        words = action["arguments"]
        assert [flag for flag in kind.flags if flag not in words] == []
        assert {option: value_of(words, option) for option in kind.values} == kind.values
        assert [word for word in words if "NCCL" in word] == []


def test_nothing_names_a_place_of_this_machine(
    workspace: Workspace, compiles: list[Action]
) -> None:
    for action in compiles:
        assert [word for word in action["arguments"] if word.startswith("/")] == []
        assert str(workspace.folder.parent) not in str(action)


def test_environment(kind: Compiles, compiles: list[Action]) -> None:
    for action in compiles:
        pairs = action.get("environmentVariables", [])
        environment = {pair["key"]: pair["value"] for pair in pairs}
        assert {name: environment.get(name) for name in kind.environment} == kind.environment


@pytest.mark.parametrize("case", FACTS.refused)
def test_a_toolkit_is_refused(workspace: Workspace, case: str) -> None:
    environment, message = FACTS.refused[case]
    root = workspace.folder.parent / case
    root.mkdir()
    other = workspace.with_variables(**environment(root))
    with pytest.raises(NestedBazelError, match=re.escape(message)):
        other.build([FACTS.library], *FACTS.options, "--nobuild")
