"""A directory to serve: the index of synthetic wheels, and beside it a stand-in for PyPI."""

from __future__ import annotations

import json
from pathlib import Path

import write_index
from synthetic import ABI_TAG, MACOS, PROJECT, PYTHON_TAG, make_wheel, sha256

DEPENDENCY = "small-dependency"
UPLOAD_TIMES = {"0.3.100": "2026-11-01T00:00:00Z", "0.3.101": "2026-11-20T00:00:00Z"}


def backend_wheels(folder: Path) -> list[Path]:
    """Makes 0.3.100 for three backends, 0.3.101 for two; all need the dependency."""
    folder.mkdir(parents=True)
    macos = f"{PYTHON_TAG}-{ABI_TAG}-{MACOS}"
    requires = [DEPENDENCY]
    return [
        make_wheel(folder, "0.3.100+cpu", requires=requires),
        make_wheel(folder, "0.3.100+cu13", requires=requires),
        make_wheel(folder, "0.3.100+metal", requires=requires, tag=macos),
        make_wheel(folder, "0.3.101+cpu", requires=requires),
        make_wheel(folder, "0.3.101+cu13", requires=requires),
    ]


def write_pypi(folder: Path) -> None:
    """Writes PyPI's files: the dependency, and a project version newer than on any backend's
    index."""
    wheels = {
        DEPENDENCY: ("small_dependency", "1.0"),
        PROJECT: ("llama_cpp_python", "0.9.0"),
    }
    for project, (distribution, version) in wheels.items():
        (folder / project).mkdir(parents=True)
        wheel = make_wheel(folder / project, version, distribution=distribution, tag="py3-none-any")
        entry = {
            "filename": wheel.name,
            "hashes": {"sha256": sha256(wheel)},
            "size": wheel.stat().st_size,
            "upload-time": "2020-01-01T00:00:00Z",
            "url": wheel.name,
        }
        page = {
            "files": [entry],
            "meta": {"api-version": "1.1"},
            "name": project,
            "versions": [version],
        }
        (folder / project / "index.v1_json").write_text(json.dumps(page), encoding="utf-8")
        link = (
            "<!DOCTYPE html>"
            f'<a href="{wheel.name}#sha256={entry["hashes"]["sha256"]}">{wheel.name}</a>'
        )
        (folder / project / "index.html").write_text(link, encoding="utf-8")


def write_site(folder: Path, upload_times: dict[str, str] = UPLOAD_TIMES) -> None:
    """Writes `folder/whl/<backend>` for each backend, and `folder/pypi`."""
    wheels = write_index.read_wheels(backend_wheels(folder.with_name(folder.name + "-wheels")))
    write_index.write_index(wheels, folder, upload_times, {})
    write_pypi(folder / "pypi")
