"""Every target loads and is analysed under the defaults of Bazel 8 and 9.

That is so here, and in the workspace that depends on this one.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from nested_bazel import NestedBazelError, Workspace, project_workspace

pytest_plugins = ["nested_bazel_fixtures"]

_CONFIG = "bazel_next"
_FLAG = re.compile(rf"^common:{_CONFIG} (--\S+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def workspace(nested_folder: Path) -> Iterator[Workspace]:
    """Yields this workspace."""
    with project_workspace(nested_folder) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def flags(workspace: Workspace) -> list[str]:
    """Returns the flags of the configuration."""
    return _FLAG.findall((workspace.folder / ".bazelrc").read_text())


@pytest.fixture(scope="module", autouse=True)
def consumer(workspace: Workspace, flags: list[str]) -> Iterator[concurrent.futures.Future]:
    """Yields the analysis of a workspace that depends on this one. It runs beside the other tests,
    because most of its time is one repository after the other."""
    project = dataclasses.replace(
        workspace, folder=workspace.folder / "examples/monorepo", bazelw="../../bazelw"
    )
    with project, concurrent.futures.ThreadPoolExecutor() as threads:
        # Its own .bazelrc has no such configuration.
        yield threads.submit(project.build, ["//..."], "--nobuild", *flags)


@pytest.fixture
def empty(workspace: Workspace) -> Iterator[str]:
    """Yields a package with a glob that matches nothing."""
    package = workspace.folder / "empty"
    package.mkdir()
    (package / "BUILD.bazel").write_text('filegroup(name = "empty", srcs = glob(["*.none"]))\n')
    yield "//empty"
    shutil.rmtree(package)


def test_the_configuration_rejects_an_empty_glob(workspace, empty):
    workspace.build([empty], "--nobuild")
    with pytest.raises(NestedBazelError, match="allow_empty"):
        workspace.build([empty], "--nobuild", f"--config={_CONFIG}")


def test_this_workspace(workspace):
    workspace.build(["//..."], "--nobuild", f"--config={_CONFIG}")


def test_a_workspace_that_depends_on_it(consumer, flags):
    assert "--incompatible_disallow_empty_glob" in flags
    consumer.result()
