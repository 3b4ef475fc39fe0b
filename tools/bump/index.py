"""Downloads an sdist from the index of the user's pip settings. Nothing of the package is run."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import NamedTuple

from . import archive
from .errors import BumpError

_FIND_FILE = Path(__file__).parents[2] / "bazel/pip/find_file.py"
_SUFFIX = ".tar.gz"
_TIMEOUT_SECONDS = 60


class _File(NamedTuple):
    name: str
    url: str
    # Empty where the index gives none.
    sha256: str


class _Listing(NamedTuple):
    certificate: str
    files: list[_File]
    # Why an index gave no page.
    reasons: list[str]


def download_sdist(package: str, version: str, target: Path) -> str:
    """Downloads the sdist of a version.

    Returns:
        Its file name, as the index lists it.

    Raises:
        BumpError: The index has none, or serves other bytes than it says.
    """
    listing = _list(package)
    for file in listing.files:
        if _is_sdist(file.name, package, version):
            _download(file, file.sha256, listing.certificate, target)
            return file.name
    because = f" ({'; '.join(listing.reasons)})" if listing.reasons else ""
    raise BumpError(
        f"the index of your pip settings has no sdist of {package} {version}{because}; "
        "its versions:",
        f"pip index versions {package}",
    )


def download_pinned(package: str, name: str, sha256: str, target: Path) -> None:
    """Downloads a pinned file.

    Raises:
        BumpError: No index has it, or the bytes are others.
    """
    listing = _list(package)
    for file in listing.files:
        if file.name == name and file.sha256 in ("", sha256):
            _download(file, sha256, listing.certificate, target)
            return
    because = f" ({'; '.join(listing.reasons)})" if listing.reasons else ""
    raise BumpError(
        f"{name}, which is pinned now, is not in the index of your pip settings{because}; "
        "to see pip's own words:",
        f"pip download --no-deps {package}",
    )


def _list(package: str) -> _Listing:
    # The toolchain's Python may have no pip, and so no settings of it.
    python = shutil.which("python3") or sys.executable
    command = [python, "-E", str(_FIND_FILE), "--list", package]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise BumpError(f"the index can't be asked for {package}: {result.stderr.strip()}")
    reply = json.loads(result.stdout)
    return _Listing(
        reply["certificate"], [_File(*file) for file in reply["files"]], reply["reasons"]
    )


def _is_sdist(file: str, package: str, version: str) -> bool:
    stem = file[: -len(_SUFFIX)] if file.endswith(_SUFFIX) else ""
    name, _, found = stem.rpartition("-")
    return found == version and _normalized(name) == _normalized(package)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _download(file: _File, sha256: str, certificate: str, target: Path) -> None:
    context = ssl.create_default_context(cafile=certificate or None)
    archive.save(
        lambda: urllib.request.urlopen(file.url, timeout=_TIMEOUT_SECONDS, context=context),
        file.name,
        target,
    )
    if sha256 and archive.sha256(target) != sha256:
        raise BumpError(f"the index serves {file.name} with another sha256 than {sha256}")
