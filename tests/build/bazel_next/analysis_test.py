"""Every target loads and is analysed under the defaults of Bazel 8 and 9.

That is so here, and in the workspace that depends on this one.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from pathlib import Path

import nested_bazel
from nested_bazel import NestedBazelError, Workspace
import pytest

_CONFIG = "bazel_next"
_FLAG = re.compile(rf"^common:{_CONFIG} (--\S+)$", re.MULTILINE)


@classmethod


def setUpClass(cls) -> None:
    # Always the same directory: bazelw remembers something about each one.
    cls.folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
    cls.addClassCleanup(shutil.rmtree, cls.folder)
    cls.workspace = nested_bazel.project_workspace(cls.folder)
    cls.flags = _FLAG.findall((cls.workspace.folder / ".bazelrc").read_text())


def test_this_workspace():
    self.addCleanup(self.workspace.remove)
    _assert_rejects_an_empty_glob()
    self.workspace.build(["//..."], "--nobuild", f"--config={_CONFIG}")


def _assert_rejects_an_empty_glob() -> None:
    """Asserts that the configuration has an effect."""
    package = self.workspace.folder / "empty"
    package.mkdir()
    (package / "BUILD.bazel").write_text('filegroup(name = "empty", srcs = glob(["*.none"]))\n')
    self.workspace.build(["//empty"], "--nobuild")
    with pytest.raises(NestedBazelError, match="allow_empty"):
        self.workspace.build(["//empty"], "--nobuild", f"--config={_CONFIG}")
    shutil.rmtree(package)


def test_a_workspace_that_depends_on_it():
    # Its own .bazelrc has no such configuration.
    assert "--incompatible_disallow_empty_glob" in self.flags
    consumer: Workspace = dataclasses.replace(
        self.workspace,
        folder=self.workspace.folder / "examples/monorepo",
        bazelw="../../bazelw",
    )
    self.addCleanup(consumer.remove)
    consumer.build(["//..."], "--nobuild", *self.flags)
