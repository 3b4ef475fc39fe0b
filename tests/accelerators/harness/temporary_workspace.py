"""A copy of the project for one test process, in Bazel's directory for it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

from nested_bazel import Workspace, project_workspace

Environment = Callable[[Path], dict[str, str]]


@contextlib.contextmanager
def temporary_workspace(environment: Environment = lambda _: {}) -> Iterator[Workspace]:
    """Yields a workspace, and removes it with its server.

    Args:
        environment: returns variables for the client; it may make files in the directory that is
            its argument.
    """
    # Always the same directory: bazelw remembers something about each one.
    root = Path(os.environ["TEST_TMPDIR"], "nested")
    root.mkdir()
    try:
        workspace = project_workspace(root, **environment(root))
        try:
            yield workspace
        finally:
            workspace.remove()
    finally:
        shutil.rmtree(root)
