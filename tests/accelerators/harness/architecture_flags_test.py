"""GPU architectures on the command lines of a backend's library."""

from __future__ import annotations

import re

import pytest
from command_line_facts import FACTS
from command_lines import Action, Architectures, Compiles
from nested_bazel import NestedBazelError, Workspace

pytest_plugins = ["command_line_fixtures"]

ARCHITECTURES = FACTS.architectures
assert isinstance(ARCHITECTURES, Architectures)


def _architectures(action: Action) -> list[str]:
    prefix = ARCHITECTURES.prefix
    return [word[len(prefix) :] for word in action["arguments"] if word.startswith(prefix)]


def _actions(workspace: Workspace, kind: Compiles, value: str) -> list[Action]:
    return workspace.actions(kind.query, *FACTS.options, ARCHITECTURES.flag + value)


def test_the_gpus_of_a_release(compiles: list[Action]) -> None:
    assert compiles
    for action in compiles:
        assert _architectures(action) == ARCHITECTURES.release
    assert len(set(ARCHITECTURES.release)) == len(ARCHITECTURES.release)


@pytest.mark.parametrize("value", ARCHITECTURES.others)
def test_the_flag_names_others(workspace: Workspace, kind: Compiles, value: str) -> None:
    actions = _actions(workspace, kind, value)
    assert actions
    for action in actions:
        assert _architectures(action) == ARCHITECTURES.others[value]


@pytest.mark.parametrize("value", ARCHITECTURES.wrong)
def test_a_wrong_one_is_named(workspace: Workspace, kind: Compiles, value: str) -> None:
    with pytest.raises(NestedBazelError, match=re.escape(ARCHITECTURES.wrong[value])):
        _actions(workspace, kind, value)
