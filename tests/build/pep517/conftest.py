"""Source trees with a stand-in for Bazel, and pip's calls of the build backend in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import stand_in

ARCHIVE = Path(os.environ["PROJECT_ARCHIVE"])

# As a front end does: in the source tree, in a process of its own, with the backend's directory on
# the path.
_CALL = """
import importlib, json, sys
sys.path.insert(0, "tools")
hook, arguments, output = json.loads(sys.argv[1])
result = getattr(importlib.import_module("pep517"), hook)(*arguments)
with open(output, "w") as file:
    json.dump(result, file)
"""


class Result(NamedTuple):
    """The result of a hook.

    Attributes:
        value: Its return value, None where it did not return.
        status: Exit code of its process.
        said: Its output.
    """

    value: Any
    status: int
    said: str


class Tree(NamedTuple):
    """A source tree with the stand-in.

    Attributes:
        root: The source tree.
        log: The stand-in's log.
        out: An empty directory for wheels.
    """

    root: Path
    log: Path
    out: Path

    def call(self, hook: str, *arguments: Any, **variables: str) -> Result:
        """Calls a hook of the backend; `variables` are added to its environment."""
        output = self.out.parent / "result.json"
        output.unlink(missing_ok=True)
        process = subprocess.run(
            [sys.executable, "-B", "-c", _CALL, json.dumps([hook, arguments, str(output)])],
            cwd=self.root,
            env={**self.environment(), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        value = json.loads(output.read_text()) if output.exists() else None
        print(process.stdout)
        return Result(value, process.returncode, process.stdout)

    def environment(self) -> dict[str, str]:
        """Returns an environment in which the stand-in writes to this tree's log, and nothing of
        the user's is read."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PIP_", "PYTHON", "UV_"))}
        kept.update({stand_in.LOG: str(self.log), "XDG_CACHE_HOME": str(self.out.parent / "cache")})
        return kept


def make_tree(folder: Path) -> Tree:
    """Returns a new tree below a directory."""
    root = folder / "a project"
    root.mkdir(parents=True)
    (folder / "out").mkdir()
    return Tree(stand_in.make_tree(ARCHIVE, root), folder / "log", folder / "out")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with an accelerator beside the one that is there today."""
    tree = make_tree(tmp_path / "work")
    stand_in.add_accelerator(tree.root, "stone", "stone1")
    return tree
