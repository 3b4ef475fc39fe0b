"""Debian's packages of Python, unpacked into the user's cache and made to run from there.

Run this file to pin the versions that Debian has today.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import _offline  # noqa: F401
import cache
import debian
import linking
import patchelf
from answer import NotFound, Python, Request, ask
from locks import locked
from steps import StepError, run

_LOCK_FILE = Path(__file__).with_name("debian.lock.json")
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
    pin = f"{_suite()} {_pins()[request.version]}"
    return f"{what}-{hashlib.sha256(pin.encode()).hexdigest()[:12]}"


def try_out(python: Path, advice: str) -> None:
    """Raises StepError unless an interpreter has the modules whose libraries are not its own."""
    run(f"start {python.name}", [python, "-I", "-B", "-c", _IMPORTS], advice)


@contextlib.contextmanager
def private_apt(types: str) -> Iterator[debian.PrivateApt]:
    """Gives an apt with an up to date index, which is kept; `types` is `deb` or `deb-src`."""
    folder = cache.root() / f"apt-{types}"
    with locked(cache.root() / f"apt-{types}.lock", "Bazel that downloads from Debian"):
        apt = debian.PrivateApt(folder, debian.find_archive(), _suite(), types)
        apt.update()
        yield apt


def _pins() -> dict[str, str]:
    return json.loads(_LOCK_FILE.read_text())["pins"]


def _suite() -> str:
    return json.loads(_LOCK_FILE.read_text())["suite"]


def _closure(apt: debian.PrivateApt, package: str, version: str) -> list[debian.Package]:
    """Returns a package and what it depends on, in the pinned version where Debian still has that."""
    with contextlib.suppress(StepError):
        return apt.closure(f"{package}={_pins()[version]}")
    return apt.closure(package)


def _headers(request: Request) -> Python:
    package = f"libpython{request.version}-dev"

    def make(prefix: Path, _final: Path, scratch: Path) -> None:
        with private_apt("deb") as apt:
            closure = _closure(apt, package, request.version)
            # Headers include no other package's.
            alone = [member for member in closure if member.name == package]
            files = apt.download(alone, scratch / "packages")
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
        with private_apt("deb") as apt:
            closure = _closure(apt, package, request.version)
            files = apt.download(closure, scratch / "packages")
        debian.unpack(files, prefix)
        linking.relink(prefix)
        linking.patch_programs(prefix, final, patchelf.fetch(scratch), advice)

    def check_imports(prefix: Path) -> None:
        try_out(prefix / program, advice)

    return cache.kept(pinned_name(package, request), make, check_imports) / program


def pin() -> None:
    """Writes the versions that Debian has today into the lock file."""
    lock = json.loads(_LOCK_FILE.read_text())
    with tempfile.TemporaryDirectory() as folder:
        apt = debian.PrivateApt(Path(folder), debian.find_archive(), lock["suite"])
        apt.update()
        for version in lock["pins"]:
            package = f"python{version}"
            newest = next(member for member in apt.closure(package) if member.name == package)
            lock["pins"][version] = newest.version
    _LOCK_FILE.write_text(json.dumps(lock, indent=2) + "\n")


if __name__ == "__main__":
    pin()
