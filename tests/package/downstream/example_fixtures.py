"""Fixture of the suites whose package has an example in examples/downstream."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

_EXAMPLES = {Path(file).stem: file for file in os.environ["EXAMPLES"].split(os.pathsep)}


@pytest.fixture
def run_example(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs an example in an empty directory; returns the lines that it prints."""

    def run_example(name: str, *arguments: str) -> list[str]:
        command = [sys.executable, _EXAMPLES[name], *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run_example
