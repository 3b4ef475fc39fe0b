"""Small wheels of llama-cpp-python that say which version they are."""

from __future__ import annotations

import base64
import hashlib
import platform
import random
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Iterable

PROJECT = "llama-cpp-python"

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
    """Writes a wheel with a right RECORD and fixed dates."""
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
    seed: str = "",
) -> Path:
    """Makes a wheel whose package has VERSION and some incompressible bytes, which tests damage."""
    package = "llama_cpp" if distribution == "llama_cpp_python" else distribution
    dist_info = f"{distribution}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {distribution.replace('_', '-')}",
        f"Version: {version}",
        *([f"Requires-Python: {requires_python}"] if requires_python else []),
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    name = f"{distribution}-{version}-{tag}.whl"
    files = {
        f"{package}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{package}/payload.bin": random.Random(name + seed).randbytes(20_000),
        f"{dist_info}/METADATA": "\n".join([*metadata, "", "A synthetic wheel.", ""]).encode(),
        f"{dist_info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n"
        ).encode(),
    }
    return write_wheel(folder / name, files, dist_info)


def main() -> None:
    """Writes a wheel by its file name, for targets that need one: `synthetic.py WHEEL`."""
    path = Path(sys.argv[1])
    _, version, tag = path.stem.split("-", 2)
    make_wheel(path.parent, version, tag=tag)


if __name__ == "__main__":
    main()
