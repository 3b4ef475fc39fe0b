"""Command lines of a backend's library, queried from a nested Bazel that gets a toolkit by path.

The toolkit is made of empty files: nothing is compiled, so the real one is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line_facts import FACTS
from command_lines import Action, Compiles
from nested_bazel import Workspace, project_workspace

pytest_plugins = ["nested_bazel_fixtures"]


@pytest.fixture(scope="session")
def workspace(nested_folder: Path) -> Iterator[Workspace]:
    """A copy of the project that gets the accelerator's toolkit."""
    with project_workspace(nested_folder, **FACTS.environment(nested_folder)) as workspace:
        yield workspace


@pytest.fixture(scope="session", params=FACTS.compiles.values(), ids=FACTS.compiles.keys())
def kind(request: pytest.FixtureRequest) -> Compiles:
    """A kind of compile actions."""
    return request.param


@pytest.fixture(scope="session")
def compiles(workspace: Workspace, kind: Compiles) -> list[Action]:
    """The actions of the kind."""
    return workspace.actions(kind.query, *FACTS.options)
