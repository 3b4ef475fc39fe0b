"""Where new sources come from: a package of the index, an archive's address, or a checkout."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

from . import archive, index
from .errors import BumpError

COMMAND = "./bazelw run //tools:bump_llama_cpp --"

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)$")
_ADDRESS = re.compile(r"^(?:https?|file)://")
# As `git describe` abbreviates.
_COMMIT_LENGTH = 9
# Packages of llama.cpp's releases carry its build number in their version.
_BUILD_NUMBER = re.compile(r"(?<!\d)\d{4,5}(?!\d)")


@dataclasses.dataclass(frozen=True)
class Pin:
    """The arguments of `pip_archive` that change."""

    package: str
    file: str
    sha256: str
    strip_prefix: str


@dataclasses.dataclass(frozen=True)
class Source:
    """An unpacked llama.cpp.

    Attributes:
        tree: Its root directory.
        commit: Abbreviated commit, or a tag.
        pin: None for a checkout, which nobody else can fetch.
    """

    tree: Path
    commit: str
    pin: Pin | None


def resolve(text: str, commit: str, scratch: Path) -> Source:
    """Returns the sources that an argument of the command line names.

    Args:
        text: `name==version`, an address, or a directory.
        commit: the commit that the user gave, or empty.
        scratch: directory for downloads.

    Raises:
        BumpError: They can't be downloaded, or their commit is unknown.
    """
    requirement = _REQUIREMENT.match(text)
    if requirement:
        return _from_index(requirement[1], requirement[2], commit, scratch)
    if _ADDRESS.match(text):
        return _from_address(text, commit, scratch)
    if Path(text).is_dir():
        return _from_checkout(Path(text), commit)
    raise BumpError(
        f"{text} is no directory, no address, and no distribution written as name==version; "
        "to see the versions of a distribution:",
        f"pip index versions {text}" if re.match(r"^[\w.-]+$", text) else "pip index versions NAME",
    )


def pinned(pin: Pin, scratch: Path) -> Path:
    """Fetches the sources that are pinned now; returns their root."""
    packed = scratch / "pinned.tar.gz"
    if _ADDRESS.match(pin.file):
        archive.download(pin.file, packed)
    else:
        index.download_pinned(pin.package, pin.file, pin.sha256, packed)
    return archive.unpack(packed, pin.strip_prefix, scratch / "old")


def _from_index(package: str, version: str, commit: str, scratch: Path) -> Source:
    packed = scratch / "new.tar.gz"
    file = index.download_sdist(package, version, packed)
    root = archive.find_root(packed, file)
    commit = commit or archive.submodule_commit(packed, root)
    if not commit:
        number = max(_BUILD_NUMBER.findall(version), key=int, default="")
        raise BumpError(
            f"{file} does not say which commit of llama.cpp it carries; "
            "give it, or the tag of its build:",
            f"{COMMAND} {package}=={version} --commit={f'b{number}' if number else 'COMMIT'}",
        )
    pin = Pin(package, file, archive.sha256(packed), root)
    return Source(archive.unpack(packed, root, scratch / "new"), _short(commit), pin)


def _from_address(address: str, commit: str, scratch: Path) -> Source:
    if not commit:
        raise BumpError(
            "an archive's address needs the commit of its sources:",
            f"{COMMAND} {address} --commit=COMMIT",
        )
    packed = scratch / "new.tar.gz"
    archive.download(address, packed)
    root = archive.find_root(packed, address)
    pin = Pin("llama.cpp", address, archive.sha256(packed), root)
    return Source(archive.unpack(packed, root, scratch / "new"), _short(commit), pin)


def _from_checkout(folder: Path, commit: str) -> Source:
    for file in archive.MARKS:
        if not (folder / file).is_file():
            raise BumpError(f"{folder} is no checkout of llama.cpp: it has no {file}")
    if not commit:
        command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        result = subprocess.run(command, capture_output=True, text=True)
        commit = result.stdout.strip()
    if not commit:
        raise BumpError(
            f"{folder} has no git history that names its commit; give it:",
            f"{COMMAND} {folder} --commit=COMMIT",
        )
    return Source(folder.resolve(), _short(commit), None)


def _short(commit: str) -> str:
    return commit[:_COMMIT_LENGTH] if re.fullmatch(r"[0-9a-f]{10,40}", commit) else commit
