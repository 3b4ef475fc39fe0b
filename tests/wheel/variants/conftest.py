"""A static package index on this machine: installers check hashes of an index."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable, Iterator, Mapping

import pytest
import serve as server


def _write_project(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes a project's directory: the files, and a page that gives their hashes (PEP 503)."""
    folder.mkdir(parents=True)
    links = []
    for name, data in sorted(files.items()):
        (folder / name).write_bytes(data)
        address = f"{name}#sha256={hashlib.sha256(data).hexdigest()}"
        links.append(f'<a href="{address}">{name}</a><br>')
    (folder / "index.html").write_text("\n".join(["<!DOCTYPE html>", *links]))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Mapping[str, Mapping[str, bytes]]], str]]:
    """Yields a function from project -> file name -> content to the address of an index; its files
    are in `tmp_path/index`."""
    stops = []

    def serve(projects: Mapping[str, Mapping[str, bytes]]) -> str:
        for project, files in projects.items():
            _write_project(tmp_path / "index" / project, files)
        address, stop = server.start(tmp_path / "index")
        stops.append(stop)
        return address

    yield serve
    for stop in stops:
        stop()
