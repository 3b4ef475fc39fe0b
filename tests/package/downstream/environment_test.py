"""A downstream package in an environment that uv resolves, with our wheel out of our index, and its
tests there.

Its wheels and those of its requirements are a directory: nothing comes from a network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest
import serve

_OURS = "llama-cpp-python"
_SHOW = f"import importlib.metadata; print(importlib.metadata.version({_OURS!r}))"
_PIP = Path(os.environ["PIP_WHEEL"]).absolute() / "pip"
_UV = os.path.abspath(os.environ["UV"])
_REQUIREMENTS = json.loads(os.environ["REQUIREMENTS"])
_NO_DEPS = json.loads(os.environ["NO_DEPS"])
_WHEELS = [Path(file).absolute() for file in os.environ["WHEELS"].split()]
_SUITES = [
    os.path.abspath(file) for file in os.environ["SUITES"].split() if file.endswith("_test.py")
]
_FIXTURES = [Path(file).absolute() for file in os.environ["FIXTURES"].split()]
_MODULES = [Path(file).absolute() for file in os.environ["MODULES"].split()]
_EXAMPLES = [os.path.abspath(file) for file in os.environ["EXAMPLES"].split()]
_KEPT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV"))
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("downstream")


@pytest.fixture(scope="module")
def index(folder: Path) -> Iterator[str]:
    """Address of our index, `//tests:wheel` in whl/cpu."""
    # A sandbox has links, which the server does not follow out of its directory.
    copy = shutil.copytree(os.environ["INDEX"], folder / "index")
    address, stop = serve.start(copy)
    yield f"{address}/whl/cpu"
    stop()


@pytest.fixture(scope="module")
def wheels(folder: Path) -> Path:
    """Returns a directory with the locked wheels of the environment."""
    wheels = folder / "wheels"
    wheels.mkdir()
    for wheel in _WHEELS:
        (wheels / wheel.name).symlink_to(wheel.resolve())
    return wheels


def _run(folder: Path, *command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**_KEPT, "HOME": str(folder), "UV_CACHE_DIR": str(folder / "cache"), **variables}
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    print(*words, result.stdout, result.stderr, sep="\n")
    return result


@pytest.fixture(scope="module")
def python(folder: Path, index: str, wheels: Path) -> Path:
    """Returns the interpreter of the environment."""
    environment = folder / "venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    options = ["--python", python, "--default-index", index, "--find-links", wheels]
    steps = [[_OURS, *_REQUIREMENTS]] + ([["--no-deps", *_NO_DEPS]] if _NO_DEPS else [])
    for step in steps:
        result = _run(folder, _UV, "pip", "install", *options, *step, UV_PYTHON_DOWNLOADS="never")
        assert result.returncode == 0, result.stderr
    return python


def test_the_resolver_takes_our_wheel(folder: Path, python: Path) -> None:
    assert _run(folder, python, "-I", "-c", _SHOW).stdout.strip() == os.environ["VERSION"] + "+cpu"


def test_requirements_hold(folder: Path, python: Path) -> None:
    """But for those of a package that is installed without them."""
    result = _run(folder, python, "-I", _PIP, "--isolated", "check")
    complaints = result.stdout.splitlines()
    if _NO_DEPS:
        assert complaints
        assert {line.split(" ")[0] for line in complaints} == set(_NO_DEPS)
    else:
        assert complaints == ["No broken requirements found."]


def test_its_suites_pass(folder: Path, python: Path) -> None:
    options = ["-v", "-p", "no:cacheprovider", "--import-mode=importlib", "-rs"]
    options += ["--basetemp", folder / "suite"]
    options += [word for file in _FIXTURES for word in ("-p", file.stem)]
    variables = {
        "EXAMPLES": os.pathsep.join(_EXAMPLES),
        "PYTHONPATH": os.pathsep.join(str(file.parent) for file in [*_FIXTURES, *_MODULES]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    result = _run(folder, python, "-m", "pytest", *options, *_SUITES, **variables)
    assert result.returncode == 0
