"""examples/uv-project: locked, synced and run by uv, with the real wheel on a local index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest
import serve

_PROJECT = [Path(file).absolute() for file in os.environ["PROJECT"].split()]
_WHEELS = [Path(file).absolute() for file in os.environ["TEST_WHEELS"].split()]
_PLACEHOLDER = "https://example.org"
_ANY_PYTHON = 'requires-python = ">=3.9"'


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Address of an index with the wheel in whl/cpu."""
    # A sandbox has links, which the server does not follow out of its directory.
    folder = shutil.copytree(os.environ["INDEX"], tmp_path / "index")
    address, stop = serve.start(folder)
    yield address
    stop()


@pytest.fixture
def project(tmp_path: Path, index: str) -> Path:
    """Returns the example with that address, for the one Python that has wheels here."""
    folder = tmp_path / "uv-project"
    folder.mkdir()
    for file in _PROJECT:
        shutil.copy(file, folder)
    settings = folder / "pyproject.toml"
    text = settings.read_text()
    assert _PLACEHOLDER in text
    version = f'requires-python = "=={sys.version_info[0]}.{sys.version_info[1]}.*"'
    assert _ANY_PYTHON in text
    settings.write_text(text.replace(_PLACEHOLDER, index).replace(_ANY_PYTHON, version))
    return folder


@pytest.fixture
def environment(tmp_path: Path, index: str) -> dict[str, str]:
    """Returns uv's environment: requirements come from a directory, not the network."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for wheel in _WHEELS:
        shutil.copy(wheel, wheels)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV", "LLAMA_"))
    }
    return {
        **kept,
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_DEFAULT_INDEX": f"{index}/nothing",
        "UV_FIND_LINKS": str(wheels),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }


def _uv(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    """Runs uv; returns its standard output."""
    command = [os.path.abspath(os.environ["UV"]), *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    print(*command, result.stdout, result.stderr, sep="\n")
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_project_generates_text(project: Path, environment: dict[str, str]) -> None:
    model = os.path.abspath(os.environ["MODEL"])
    _uv(project, environment, "lock")
    assert "whl/cpu" in (project / "uv.lock").read_text()
    said = _uv(project, environment, "run", "--locked", "generate.py", model, "In the beginning")
    assert said.strip()
    show = "import llama_cpp; print(llama_cpp.__version__)"
    assert "+cpu" in _uv(project, environment, "run", "--locked", "python", "-c", show)
