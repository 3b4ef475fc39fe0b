"""One served index for all tests that only read it, and installers."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Callable, Iterator

import pytest
import serve
import small_site
from clients import Pip, Uv


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the directory with whl/cpu, whl/cu13, whl/metal and pypi."""
    folder = tmp_path_factory.mktemp("index") / "site"
    small_site.write_site(folder)
    return folder


@pytest.fixture(scope="session")
def url(site: Path) -> Iterator[str]:
    """Its address."""
    address, stop = serve.start(site)
    yield address
    stop()


@pytest.fixture
def serve_folder() -> Iterator[Callable[[Path], str]]:
    """Serves further directories until the test ends."""
    stops = []

    def start(folder: Path) -> str:
        address, stop = serve.start(folder)
        stops.append(stop)
        return address

    yield start
    for stop in stops:
        stop()


@pytest.fixture
def application_json_url(
    site: Path, serve_folder: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Returns a host that takes the JSON pages for any JSON."""
    for media_type in (serve._JSON, "application/vnd.pypi.simple.latest+json"):
        page = ("index.v1_json", "application/json")
        monkeypatch.setitem(serve._REPRESENTATIONS, media_type, page)
    return serve_folder(site)


@pytest.fixture(scope="session")
def pip_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns pip unpacked: run out of its wheel it is compiled anew each time."""
    folder = tmp_path_factory.mktemp("pip")
    with zipfile.ZipFile(os.environ["PIP_WHEEL"]) as archive:
        archive.extractall(folder)
    return folder / "pip"


@pytest.fixture
def pip(tmp_path: Path, pip_program: Path) -> Pip:
    return Pip(tmp_path / "pip", pip_program)


@pytest.fixture
def uv(tmp_path: Path, url: str) -> Uv:
    return Uv(tmp_path / "uv", default_index=f"{url}/pypi")
