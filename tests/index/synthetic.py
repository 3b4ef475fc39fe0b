"""Small wheels of llama-cpp-python that say which backend they are, and an index of them beside a stand-in for PyPI."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import random
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Iterable

import write_index

PROJECT = "llama-cpp-python"
DEPENDENCY = "small-dependency"
UPLOAD_TIMES = {"0.4.0": "2026-11-01T00:00:00Z", "0.4.1": "2026-11-20T00:00:00Z"}

PYTHON_TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"
ABI_TAG = PYTHON_TAG + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "")
LINUX = f"manylinux_2_17_{platform.machine()}"
MACOS = "macosx_11_0_arm64"

_DATE = (1980, 1, 1, 0, 0, 0)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _record_line(path: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def write_wheel(path: Path, files: dict[str, bytes], dist_info: str) -> Path:
    """A wheel with a right RECORD and fixed dates."""
    record = f"{dist_info}/RECORD"
    lines = [_record_line(name, data) for name, data in files.items()] + [f"{record},,\n"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, record: "".join(lines).encode()}.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    return path


def make_wheel(
    folder: Path,
    version: str,
    *,
    distribution: str = "llama_cpp_python",
    tag: str = f"{PYTHON_TAG}-{ABI_TAG}-{LINUX}",
    requires: Iterable[str] = (),
    requires_python: str = ">=3.9",
    metadata_version: str = "",
) -> Path:
    """A wheel whose package has VERSION and some bytes that do not compress, so that there is something to damage."""
    package = "llama_cpp" if distribution == "llama_cpp_python" else distribution
    dist_info = f"{distribution}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {distribution.replace('_', '-')}",
        f"Version: {metadata_version or version}",
        *([f"Requires-Python: {requires_python}"] if requires_python else []),
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    name = f"{distribution}-{version}-{tag}.whl"
    files = {
        f"{package}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{package}/payload.bin": random.Random(name).randbytes(20_000),
        f"{dist_info}/METADATA": "\n".join([*metadata, "", "A synthetic wheel.", ""]).encode(),
        f"{dist_info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n"
        ).encode(),
    }
    return write_wheel(folder / name, files, dist_info)


def backend_wheels(folder: Path) -> list[Path]:
    """0.4.0 for three backends, 0.4.1 for two of them; all need the dependency."""
    folder.mkdir(parents=True)
    macos = f"{PYTHON_TAG}-{ABI_TAG}-{MACOS}"
    requires = [DEPENDENCY]
    return [
        make_wheel(folder, "0.4.0+cpu", requires=requires),
        make_wheel(folder, "0.4.0+cu13", requires=requires),
        make_wheel(folder, "0.4.0+metal", requires=requires, tag=macos),
        make_wheel(folder, "0.4.1+cpu", requires=requires),
        make_wheel(folder, "0.4.1+cu13", requires=requires),
    ]


def write_pypi(folder: Path) -> None:
    """What PyPI has: the dependency, and a newer version of the project that no backend's index has."""
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
        link = f'<!DOCTYPE html><a href="{wheel.name}#sha256={entry["hashes"]["sha256"]}">{wheel.name}</a>'
        (folder / project / "index.html").write_text(link, encoding="utf-8")


def write_site(folder: Path, upload_times: dict[str, str] = UPLOAD_TIMES) -> None:
    """`folder/whl/<backend>` for each backend, and `folder/pypi`."""
    wheels = write_index.read_wheels(backend_wheels(folder.with_name(folder.name + "-wheels")))
    write_index.write_index(wheels, folder, upload_times, {})
    write_pypi(folder / "pypi")
