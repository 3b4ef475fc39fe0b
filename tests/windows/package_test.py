"""The wheel in CPython for Windows, under Wine."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from wine import Wine, find_wine, windows_path

find_wine()

PROMPT = "In the beginning"


class Python:
    """An installation for Windows that has our wheel and its requirements."""

    def __init__(self, wine: Wine, home: Path, site: Path) -> None:
        self.wine, self.home, self.site = wine, home, site

    def run(self, *arguments: str):
        """Runs Python, which reads no variable PYTHON... where it has a file ._pth."""
        return self.wine.run(str(self.home / "python.exe"), "-X", "utf8", *arguments)


@pytest.fixture(scope="session")
def python(wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> Python:
    directory = tmp_path_factory.mktemp("windows")
    with zipfile.ZipFile(os.environ["PYTHON_ARCHIVE"]) as archive:
        archive.extractall(directory)
    (home,) = directory.glob("cp3*")
    # Letters outside of every code page of Western Windows, and a space.
    site = directory / "Пользователь 用户" / "site-packages"
    for wheel in [os.environ["WHEEL"], *os.environ["WHEELS"].split()]:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    (paths,) = home.glob("python*._pth")
    zipped = next(home.glob("python3*.zip")).name
    paths.write_text(f"{zipped}\n.\n{windows_path(site)}\n", encoding="utf-8")
    return Python(wine, home, site)


@pytest.fixture(scope="session")
def answer(python: Python, tmp_path_factory: pytest.TempPathFactory) -> dict:
    model = tmp_path_factory.mktemp("model") / "kjv.gguf"
    shutil.copy(os.environ["LLAMA_TEST_MODEL"], model)
    worker = Path(__file__).parent / "package_worker.py"
    child = python.run(windows_path(worker), windows_path(model), PROMPT)
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


def test_the_same_text_as_on_linux(answer: dict) -> None:
    assert answer["text"].strip() == Path(os.environ["GENERATED"]).read_text().strip()


def test_the_platform(answer: dict) -> None:
    assert answer["platform"] == "win_amd64"


def test_paths_with_odd_names(answer: dict) -> None:
    tokens, files = answer["odd"]
    assert tokens > 1
    assert files == ["model %s.gguf"]


def test_the_rpc_backend_is_opened(answer: dict) -> None:
    assert answer["rpc"] == "RemoteServerError"


def test_every_module_was_imported(answer: dict) -> None:
    assert answer["modules"] > 30
    assert answer["chat"] == "assistant"


def test_info(python: Python) -> None:
    child = python.run("-m", "llama_cpp", "info")
    assert child.returncode == 0, child.stderr
    assert "win_amd64" in child.stdout


def test_libraries_are_not_found_by_path(python: Python, tmp_path: Path) -> None:
    """Without the package's own directory there is nothing to find."""
    name = "llama_cpp_python-ggml-base.dll"
    library = python.site / "llama_cpp" / "lib" / name
    hidden = tmp_path / name
    shutil.move(library, hidden)
    try:
        child = python.wine.run(
            str(python.home / "python.exe"), "-c", "import llama_cpp", WINEPATH=str(tmp_path)
        )
    finally:
        shutil.move(hidden, library)
    assert child.returncode != 0
    assert "DLL load failed" in child.stderr
