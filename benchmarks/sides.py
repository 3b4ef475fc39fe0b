"""The Pythons that a benchmark compares, by name, and measurements of them in turn."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

Sample = dict[str, Any]
Samples = dict[str, list[Sample]]  # side -> a sample for each round

# By the package that a Python has: a module with a function for each task.
_WORKERS = {"llama_cpp": "worker.py", "xllamacpp": "worker_xllamacpp.py"}
_FIND = (
    "import importlib.util as u, sys;print(next((n for n in sys.argv[1:] if u.find_spec(n)), ''))"
)


class Sides:
    """Interpreters by name, the first of which the others are compared with."""

    def __init__(self, pythons: dict[str, str], threads: int, rounds: int) -> None:
        # Absolute, since the children run elsewhere; not resolved, since a virtual environment's
        # Python is a link that must stay one.
        self.pythons = {side: os.path.abspath(python) for side, python in pythons.items()}
        self.threads = threads
        self.rounds = rounds
        self._packages: dict[str, str] = {}

    def package(self, side: str) -> str:
        """Returns "llama_cpp" or "xllamacpp", whichever the side has."""
        if side not in self._packages:
            found = self.run(side, ["-c", _FIND, *_WORKERS]).strip()
            if not found:
                sys.exit(
                    f"{self.pythons[side]} has neither llama_cpp nor xllamacpp.\n"
                    f"{self.pythons[side]} -m pip install llama-cpp-python"
                )
            self._packages[side] = found
        return self._packages[side]

    def command(self, side: str, arguments: Sequence[str]) -> dict[str, Any]:
        """Returns the arguments of subprocess.run() for a child of a side."""
        return {
            "args": [self.pythons[side], *arguments],
            # Neither a package in the working directory nor PYTHONPATH may be imported instead
            # of the installed one.
            "cwd": tempfile.gettempdir(),
            "env": {key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "text": True,
        }

    def run(self, side: str, arguments: Sequence[str]) -> str:
        child = subprocess.run(**self.command(side, arguments), capture_output=True, check=False)
        if child.returncode:
            command = " ".join([self.pythons[side], *arguments])
            sys.exit(f"{command} failed ({child.returncode}):\n{child.stderr[-3000:]}")
        return child.stdout

    def worker_arguments(
        self, side: str, task: str, model: Path | None = None, threads: int | None = None
    ) -> list[str]:
        threads = self.threads if threads is None else threads
        program = str(HERE / _WORKERS[self.package(side)])
        return [program, task, str(model or ""), str(threads)]

    def worker(
        self, side: str, task: str, model: Path | None = None, threads: int | None = None
    ) -> Sample:
        output = self.run(side, self.worker_arguments(side, task, model, threads))
        return json.loads(output.splitlines()[-1])

    def of_package(self, package: str) -> list[str]:
        return [side for side in self.pythons if self.package(side) == package]

    def in_turn(
        self, measure: Callable[[str], Sample], sides: Iterable[str] | None = None
    ) -> Samples:
        """Measures each side once per round: ours, peer, ours, peer, ..."""
        samples: Samples = {side: [] for side in (self.pythons if sides is None else sides)}
        for _ in range(self.rounds):
            for side, collected in samples.items():
                collected.append(measure(side))
        return samples


def median(samples: list[Sample], key: str) -> float:
    return statistics.median(sample[key] for sample in samples)


def ratio(of: list[Sample], to: list[Sample], key: str) -> float:
    """Returns the median of each round's ratio: what slows the machine down meets both."""
    return statistics.median(a[key] / b[key] for a, b in zip(of, to, strict=True))


def named_python(text: str) -> tuple[str, str]:
    """Parses NAME=/path/to/bin/python, for argparse."""
    name, separator, path = text.partition("=")
    if not separator or not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{text} is not NAME=/path/to/bin/python")
    return name, path


def warn_of_load() -> None:
    load = os.getloadavg()[0]
    if load > 0.5:
        print(
            f"warning: other programs use this machine (load {load:.1f}). Threads that wait for "
            "each other suffer most: believe no speed below, and run this again when it is idle."
        )
