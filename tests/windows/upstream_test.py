"""Upstream's own tests under Wine, as programs for Windows with the wheel's DLLs beside."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from programs import MODEL, Programs, System
from wine import find_wine, windows_path

find_wine()

VOCABULARIES = Path(os.environ["VOCABULARIES"]).absolute()


def runs() -> dict[str, dict[str, Any]]:
    """Returns the runs whose programs are here -> their rows, with the `needs` of the program."""
    built = {Path(file).stem for file in os.environ["PROGRAMS"].split()}
    tests = json.loads(Path(os.environ["TABLE"]).read_text())["tests"].values()
    return {
        name: {**run, "needs": test["needs"]}
        for test in tests
        for name, run in test.get("runs", {}).items()
        if name in built
    }


RUNS = runs()


@pytest.fixture(scope="session")
def programs(windows: System, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    programs = Programs(tmp_path_factory.mktemp("lib"), windows)
    for file in os.environ["PROGRAMS"].split():
        shutil.copy(file, programs.folder)
    return programs


@pytest.fixture(scope="session")
def backend(programs: Programs) -> str:
    """Returns the library of the best variant of this CPU."""
    scores = programs.scores()
    return windows_path(programs.cpu_library(max(scores, key=scores.__getitem__)))


def test_all_are_here() -> None:
    assert len(RUNS) == len(os.environ["PROGRAMS"].split())


@pytest.mark.parametrize("name", sorted(RUNS))
def test_passes(name: str, programs: Programs, backend: str, tmp_path: Path) -> None:
    run = RUNS[name]
    if "trained" in run["needs"]:
        shutil.copy(MODEL, tmp_path / "trained.gguf")
    if "models" in run["needs"]:
        shutil.copytree(VOCABULARIES, tmp_path / "models")
    environment = dict(run["env"])
    if "backend" in run["needs"]:
        environment["GGML_BACKEND_PATH"] = backend
    answer = programs.run(name, *run["args"], cwd=tmp_path, **environment)
    assert answer.returncode == 0, (answer.stdout + answer.stderr)[-4000:]
