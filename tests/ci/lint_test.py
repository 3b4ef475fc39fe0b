"""actionlint finds nothing in the workflows, nor does shellcheck in the scripts that they call."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

_JOB = """\
on: push
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - run: {run}
"""


def actionlint(*files: Path) -> str:
    """Returns the complaints about workflows; their shell lines are shellcheck's."""
    command = [os.environ["ACTIONLINT"], "-shellcheck", os.environ["SHELLCHECK"], "-no-color"]
    return subprocess.run([*command, *files], capture_output=True, text=True).stdout


def shellcheck(*files: Path) -> str:
    """Returns the complaints about scripts."""
    return subprocess.run([os.environ["SHELLCHECK"], *files], capture_output=True, text=True).stdout


def scripts(tree: Path) -> list[Path]:
    return [file for file in sorted((tree / ".ci").iterdir()) if not file.suffix]


def test_the_workflows(tree: Path) -> None:
    workflows = sorted((tree / ".github/workflows").glob("*.yml"))
    assert len(workflows) == 3
    assert actionlint(*workflows) == ""


def test_the_scripts(tree: Path) -> None:
    assert len(scripts(tree)) > 3
    assert shellcheck(*scripts(tree), tree / "bazelw") == ""


@pytest.mark.parametrize(
    ("run", "complaint"),
    [
        ("echo ${{ needs.two.outputs.three }}", 'property "two" is not defined'),
        ("cat $GITHUB_OUTPUT", "SC2086"),
    ],
)
def test_a_wrong_workflow_is_reported(tmp_path: Path, run: str, complaint: str) -> None:
    workflow = tmp_path / "wrong.yml"
    workflow.write_text(_JOB.format(run="echo"))
    assert actionlint(workflow) == ""
    workflow.write_text(_JOB.format(run=run))
    assert complaint in actionlint(workflow)
