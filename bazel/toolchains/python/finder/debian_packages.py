"""Debian's packages of Python, unpacked into the user's cache and made to run from there.

Run this file to pin the versions that Debian has today.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import _offline  # noqa: F401
import cache
import debian
import linking
import patchelf
from answer import NotFound, Python, Request, ask
from steps import StepError, run

_LOCK_FILE = Path(__file__).with_name("debian.lock.json")
_T = TypeVar("_T")
_IMPORTS = "import ctypes, sqlite3, ssl, venv, zlib"


def find(request: Request) -> Python:
    """Returns Debian's headers or interpreter, or raises NotFound."""
    check(request)
    try:
        if request.need == "headers":
            return _headers(request)
        return ask(_interpreter(request), request)
    except (StepError, OSError) as error:
        raise NotFound(f"Debian's packages failed ({error})") from error


def check(request: Request) -> None:
    """Raises NotFound where Debian need not be asked for this version."""
    if request.version not in _pins():
        raise NotFound(f"Debian has only Python {', '.join(_pins())}")
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise NotFound("this is not a Debian-like machine (no apt-get, no dpkg-deb)")


def pinned_name(what: str, request: Request) -> str:
    """Returns the name that something has in the cache; a new pin is a new name."""
    return f"{what}-{hashlib.sha256(_pins()[request.version].encode()).hexdigest()[:12]}"


def try_out(python: Path, advice: str) -> None:
    """Raises StepError unless an interpreter has the modules whose libraries are not its own."""
    run(f"start {python.name}", [python, "-I", "-B", "-c", _IMPORTS], advice)


def with_apt(types: str, use: Callable[[debian.PrivateApt], _T]) -> _T:
    """Calls `use` with an apt that has the index of the first of Debian's suites that satisfies it.

    Args:
        types: `deb` for packages, `deb-src` for their sources.
        use: raises StepError where it is not satisfied.
    """
    return debian.with_apt(_lock()["suites"], types, use)


def _lock() -> dict[str, Any]:
    return json.loads(_LOCK_FILE.read_text())


def _pins() -> dict[str, str]:
    return _lock()["pins"]


def _download(package: str, request: Request, folder: Path, alone: bool = False) -> list[Path]:
    """Downloads a package, with or without its dependencies, and returns the files."""

    def use(apt: debian.PrivateApt) -> list[Path]:
        closure = _closure(apt, package, _pins()[request.version])
        wanted = [member for member in closure if member.name == package or not alone]
        return apt.download(wanted, folder)

    return with_apt("deb", use)


def _closure(apt: debian.PrivateApt, package: str, pin: str) -> list[debian.Package]:
    """Returns a package and its dependencies, in the pinned version if Debian still has it."""
    with contextlib.suppress(StepError):
        return apt.closure(f"{package}={pin}")
    return apt.closure(package)


def _headers(request: Request) -> Python:
    package = f"libpython{request.version}-dev"

    def make(prefix: Path, _final: Path, scratch: Path) -> None:
        # Headers include no other package's.
        files = _download(package, request, scratch / "packages", alone=True)
        debian.unpack(files, scratch / "unpacked")
        # A static library beside them is far larger.
        (scratch / "unpacked/usr/include").rename(prefix)

    headers = cache.kept(pinned_name(f"python{request.version}-include", request), make)
    include = headers / f"python{request.version}"
    if not (include / "Python.h").is_file():
        raise NotFound(f"Debian's {package} has no Python.h where it was expected")
    platform = next(headers.glob(f"*/{include.name}/pyconfig.h"), None)
    return Python("", str(include), str(platform.parent) if platform else "")


def _interpreter(request: Request) -> Path:
    package = f"python{request.version}"
    program = f"usr/bin/{package}"
    advice = f"Name another one: --repo_env=PYTHON_{request.abi.upper()}=/path/to/{package}"

    def make(prefix: Path, final: Path, scratch: Path) -> None:
        debian.unpack(_download(package, request, scratch / "packages"), prefix)
        linking.relink(prefix)
        linking.patch_programs(prefix, final, patchelf.fetch(scratch), advice)

    def check_imports(prefix: Path) -> None:
        try_out(prefix / program, advice)

    return cache.kept(pinned_name(package, request), make, check_imports) / program


def pin() -> None:
    """Writes the versions that Debian has today into the lock file."""
    lock = _lock()
    with tempfile.TemporaryDirectory() as folder:
        apt = debian.PrivateApt(Path(folder), debian.find_archive(), lock["suites"][0])
        apt.update()
        for version in lock["pins"]:
            package = f"python{version}"
            newest = next(member for member in apt.closure(package) if member.name == package)
            lock["pins"][version] = newest.version
    _LOCK_FILE.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    pin()
