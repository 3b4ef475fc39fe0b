"""Reads archives of sources: where llama.cpp is inside, and its commit."""

from __future__ import annotations

import hashlib
import posixpath
import shutil
import tarfile
import urllib.request
from pathlib import Path
from typing import BinaryIO, Callable

from .errors import BumpError

# Files that only the root of a llama.cpp checkout has all of.
MARKS = ("CMakeLists.txt", "common/common.h", "ggml/include/ggml.h", "include/llama.h")
_TIMEOUT_SECONDS = 60


def sha256(path: Path) -> str:
    """Returns the file's SHA-256 as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def download(address: str, target: Path) -> None:
    """Downloads a file. Raises BumpError if the download fails."""
    save(lambda: urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS), address, target)


def save(open_address: Callable[[], BinaryIO], address: str, target: Path) -> None:
    """Writes a response to a file. Raises BumpError if it can't be read."""
    try:
        with open_address() as reply, target.open("wb") as file:
            shutil.copyfileobj(reply, file)
    except (OSError, ValueError) as error:
        raise BumpError(f"{address} can't be downloaded: {error}") from error


def find_root(packed: Path, name: str) -> str:
    """Returns the directory of an archive that is a llama.cpp checkout.

    Raises:
        BumpError: It is no archive, or has none, or more than one.
    """
    files = set(_members(packed, name))
    first = MARKS[-1]
    roots = [
        file[: -len(first) - 1]
        for file in sorted(files)
        if file.endswith(f"/{first}")
        and all(f"{file[: -len(first) - 1]}/{mark}" in files for mark in MARKS)
    ]
    if len(roots) != 1:
        found = ", ".join(roots) or "none"
        raise BumpError(
            f"{name} should hold one llama.cpp, a directory with {', '.join(MARKS)}; found: {found}"
        )
    return roots[0]


def submodule_commit(packed: Path, root: str) -> str:
    """Returns the commit that git recorded for a submodule, or an empty string."""
    with tarfile.open(packed) as tar:
        try:
            link = _text(tar, f"{root}/.git")
            folder = posixpath.normpath(posixpath.join(root, link.partition("gitdir:")[2].strip()))
            head = _text(tar, f"{folder}/HEAD")
        except KeyError:
            return ""
    return "" if head.startswith("ref:") else head


def unpack(packed: Path, root: str, target: Path) -> Path:
    """Unpacks one directory of an archive; returns where it is."""
    with tarfile.open(packed) as tar:
        for member in tar:
            inside = posixpath.relpath(posixpath.normpath(member.name), root)
            # Links are not followed, and no name can lead out of the target.
            if member.isfile() and not inside.startswith(".."):
                path = target / inside
                path.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file)
    return target


def _members(packed: Path, name: str) -> list[str]:
    try:
        with tarfile.open(packed) as tar:
            return [posixpath.normpath(member.name) for member in tar if member.isfile()]
    except tarfile.TarError as error:
        raise BumpError(f"{name} is no tar archive: {error}") from error


def _text(tar: tarfile.TarFile, name: str) -> str:
    file = tar.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read().decode("utf-8", "replace").strip()
