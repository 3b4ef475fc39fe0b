"""Builds free-threaded Python from Debian's source package and keeps it: Debian packages none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import _offline  # noqa: F401
import cache
import debian_packages
from answer import NotFound, Python, Request, ask
from steps import StepError, run

# A build takes minutes, so only the version that upstream calls the first free-threaded one is
# built.
_VERSIONS = ("3.13",)
# Header of each library that pip, numpy or the tests import a module of, and the Debian package
# that has it.
_LIBRARIES = {
    "ffi.h": "libffi-dev",
    "openssl/ssl.h": "libssl-dev",
    "sqlite3.h": "libsqlite3-dev",
    "zlib.h": "zlib1g-dev",
}
_OPTIONS = (
    "--disable-gil",
    "--disable-test-modules",
    "--without-ensurepip",
    "--without-static-libpython",
)


def find(request: Request) -> Python:
    """Returns the interpreter, building it where that has not been done, or raises NotFound."""
    if request.need == "headers" or request.version not in _VERSIONS:
        raise NotFound("Debian has no free-threaded Python")
    debian_packages.check(request)
    try:
        return ask(_interpreter(request), request)
    except (StepError, OSError) as error:
        raise NotFound(f"building Debian's source failed ({error})") from error


def _interpreter(request: Request) -> Path:
    program = f"bin/python{request.version}t"
    advice = f"Name another one: --repo_env=PYTHON_{request.abi.upper()}=/path/to/python"

    def make(prefix: Path, final: Path, scratch: Path) -> None:
        _check_compiler()
        archive = debian_packages.with_apt(
            "deb-src",
            lambda apt: apt.download_source(f"python{request.version}", scratch / "source"),
        )
        source = scratch / "build"
        source.mkdir()
        unpack = ["tar", "--extract", "--strip-components=1", "--directory", source, "--file"]
        run("unpack CPython", [*unpack, archive], advice)
        _build(source, prefix, final, advice)

    def check_imports(prefix: Path) -> None:
        debian_packages.try_out(prefix / program, advice)

    name = debian_packages.pinned_name(f"python{request.version}t", request)
    return cache.kept(name, make, check_imports) / program


def _build(source: Path, prefix: Path, final: Path, advice: str) -> None:
    """Builds and installs the unpacked source into `prefix`, for use as `final`."""
    staging = source.parent / "staging"
    # Debug information would double the time and the size.
    environment = {"CFLAGS": "-g0"}
    configure = ["./configure", f"--prefix={final}", *_OPTIONS]
    run("configure CPython", configure, advice, cwd=source, environment=environment)
    run("build CPython", ["make", f"-j{os.cpu_count()}"], advice, cwd=source)
    run("install CPython", ["make", "install", f"DESTDIR={staging}"], advice, cwd=source)
    Path(f"{staging}{final}").rename(prefix)


def _check_compiler() -> None:
    """Raises NotFound if the build would fail after minutes, or make a Python without modules."""
    for tool in ("cc", "make"):
        if not shutil.which(tool):
            raise NotFound(
                f"Debian's source can't be built without {tool} (Debian has it in build-essential)"
            )
    missing = [package for header, package in _LIBRARIES.items() if not _has_header(header)]
    if missing:
        raise NotFound(f"Debian's source can't be built without {', '.join(missing)}")


def _has_header(header: str) -> bool:
    command = ["cc", "-E", "-include", header, "-x", "c", os.devnull]
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return result.returncode == 0
