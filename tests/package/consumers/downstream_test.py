"""A package that requires the incumbent's API, `llama-cpp-python>=0.3,<0.4`, is resolved to our
wheel by pip and by uv.

Source of the requirement: METADATA of llama-index-llms-llama-cpp 0.7.0. It is made here without its
other requirements.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest
import serve
import synthetic

_DOWNSTREAM = "llama_index_llms_llama_cpp"
_REQUIREMENT = "llama-cpp-python<0.4,>=0.3.0"
_INCUMBENT = "0.3.36"
_TOO_NEW = "0.4.1"
_SHOW = "import importlib.metadata; print(importlib.metadata.version('llama-cpp-python'))"
_PIP = Path(os.environ["PIP_WHEEL"]).absolute() / "pip"
_UV = os.path.abspath(os.environ["UV"])
_KEPT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV"))
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Address of our index, `//tests:wheel` in whl/cpu."""
    # A sandbox has links, which the server does not follow out of its directory.
    folder = shutil.copytree(os.environ["INDEX"], tmp_path / "index")
    address, stop = serve.start(folder)
    yield f"{address}/whl/cpu"
    stop()


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """Returns a directory with the downstream package, the incumbent, and a too new version."""
    folder = tmp_path / "others"
    folder.mkdir()
    for wheel in os.environ["TEST_WHEELS"].split():
        shutil.copy(wheel, folder)
    synthetic.make_wheel(
        folder, "0.7.0", distribution=_DOWNSTREAM, tag="py3-none-any", requires=[_REQUIREMENT]
    )
    for version in (_INCUMBENT, _TOO_NEW):
        synthetic.make_wheel(folder, version, tag="py3-none-any")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """Runs a program with the virtual environment's interpreter as `python`; returns its output."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    settings = {
        "HOME": str(tmp_path),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON": str(python),
        "UV_PYTHON_DOWNLOADS": "never",
    }

    def run(*command: object) -> str:
        words = [str(python if word == "python" else word) for word in command]
        result = subprocess.run(
            words, cwd=tmp_path, env={**_KEPT, **settings}, capture_output=True, text=True
        )
        print(*words, result.stdout, result.stderr, sep="\n")
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


def _assert_ours(run: Callable[..., str]) -> None:
    assert run("python", "-I", "-c", _SHOW).strip() == os.environ["VERSION"] + "+cpu"
    assert "No broken requirements found" in run("python", "-I", _PIP, "--isolated", "check")


def test_pip_takes_our_wheel(run: Callable[..., str], index: str, others: Path) -> None:
    options = ["--disable-pip-version-check", "--no-cache-dir", "--index-url", index]
    install = ["--isolated", "install", *options, "--find-links", others]
    run("python", "-I", _PIP, *install, _DOWNSTREAM)
    _assert_ours(run)


def test_uv_takes_our_wheel(run: Callable[..., str], index: str, others: Path) -> None:
    options = ["--default-index", index, "--find-links", others]
    run(_UV, "pip", "install", *options, _DOWNSTREAM)
    _assert_ours(run)
