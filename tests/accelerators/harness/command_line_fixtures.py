"""Command lines of a backend's library, queried from a nested Bazel that gets a toolkit by path.

The toolkit is made of empty files: nothing is compiled, so the real one is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from command_line_facts import FACTS
from command_lines import Action, Compiles
from nested_bazel import Workspace
from temporary_workspace import temporary_workspace


@pytest.fixture(scope="session")
def workspace() -> Iterator[Workspace]:
    """A copy of the project that gets the accelerator's toolkit."""
    with temporary_workspace(FACTS.environment) as workspace:
        yield workspace


@pytest.fixture(scope="session", params=FACTS.compiles.values(), ids=FACTS.compiles.keys())
def kind(request: pytest.FixtureRequest) -> Compiles:
    """A kind of compile actions."""
    return request.param


@pytest.fixture(scope="session")
def compiles(workspace: Workspace, kind: Compiles) -> list[Action]:
    """The actions of the kind."""
    return workspace.actions(kind.query, *FACTS.options)
