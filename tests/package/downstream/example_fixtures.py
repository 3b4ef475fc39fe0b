"""Fixture of the suites whose package has an example in examples/downstream."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

_EXAMPLES = {Path(file).stem: file for file in os.environ["EXAMPLES"].split(os.pathsep)}


Finished = subprocess.CompletedProcess[str]


@pytest.fixture
def start_example(tmp_path: Path) -> Callable[..., Finished]:
    """Runs an example in an empty directory; returns the finished process."""

    def start_example(name: str, *arguments: str) -> Finished:
        command = [sys.executable, _EXAMPLES[name], *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return start_example


@pytest.fixture
def run_example(start_example: Callable[..., Finished]) -> Callable[..., list[str]]:
    """Runs an example that has to succeed; returns the lines that it prints."""

    def run_example(name: str, *arguments: str) -> list[str]:
        done = start_example(name, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run_example


@pytest.fixture
def example_names() -> Callable[[str], dict[str, Any]]:
    """Returns a function for the names that an example defines."""
    return lambda name: runpy.run_path(_EXAMPLES[name])
