"""Fetches packages of Debian, pinned by a lock file, through the apt settings of the user.

Usage: fetch_packages.py '{"lock": ..., "folder": ..., ...}'

Called by the repository rule `debian_packages` with the host's Python. The request's fields are those of `Request`.
Prints one JSON object: `note`, a sentence to show where the packages are not the pinned ones, and `missing`, the sentence
that says why there are none. Only a bug makes it fail.

Usage: fetch_packages.py --pin LOCK

Writes the versions and checksums that Debian has today into a lock file. Its fields:
    suites: releases of Debian, in the order in which they are asked.
    packages: names of the packages that are wanted.
    dependencies: patterns of what these depend on that is fetched too: ["*"] is everything, [] nothing.
    pins: architecture -> package -> version and SHA-256.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).absolute().parents[1] / "offline"))

import debian  # noqa: E402
import linking  # noqa: E402
import patchelf  # noqa: E402
import user_cache  # noqa: E402
from steps import StepError  # noqa: E402

_ADVICE = "Run the same command again."


@dataclasses.dataclass(frozen=True)
class Request:
    """What is fetched and what is done to it.

    Attributes:
        lock: the lock file.
        folder: where the packages are unpacked; it may exist, but usr may not be in it.
        leave_out: patterns of paths below the folder that are removed.
        program_root: the folder as programs see it from where they are started; empty: programs stay as they are.
        library_folders: folders of libraries below the folder that programs need beside /usr/lib/<architecture>.
        plugins: patterns of paths of libraries that foreign programs open, so they must find others by themselves.
    """

    lock: str
    folder: str
    leave_out: Sequence[str] = ()
    program_root: str = ""
    library_folders: Sequence[str] = ()
    plugins: Sequence[str] = ()


def fetch(request: Request) -> str:
    """Fetches and unpacks; returns the sentence to show, or nothing.

    Raises:
        StepError: it can't be done on this machine, or not now.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            reason = f"this is not a Debian-like machine (no {tool})"
            raise StepError("fetch packages of Debian", reason, "Build this target on one.")
    lock = json.loads(Path(request.lock).read_text())
    folder = Path(request.folder)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        unpacked = Path(scratch, "unpacked")
        files, note = _files(lock, Path(scratch, "packages"))
        debian.unpack(files, unpacked)
        debian.merge_usr(unpacked)
        linking.relink(unpacked)
        _leave_out(unpacked, request.leave_out)
        _relocate(request, unpacked, Path(scratch))
        for path in unpacked.iterdir():
            path.rename(folder / path.name)
    return note


def _files(lock: dict[str, Any], folder: Path) -> tuple[list[Path], str]:
    """Returns the files of the packages, the pinned ones if they can still be had, and the sentence to show."""
    pins = lock["pins"].get(debian.architecture(), {})
    pinned = [debian.Package(name, pin["version"], pin["sha256"], 0) for name, pin in pins.items()]
    if pinned:
        kept = [_kept(package) for package in pinned]
        if all(path.is_file() for path in kept):
            return kept, ""
        try:
            return debian.with_apt(
                lock["suites"], "deb", lambda apt: _download(apt, pinned, folder)
            ), ""
        except StepError:
            # Debian has replaced some of them.
            shutil.rmtree(folder, ignore_errors=True)

    def newest(apt: debian.PrivateApt) -> tuple[list[Path], list[debian.Package]]:
        packages = _wanted(apt, lock)
        return _download(apt, packages, folder), packages

    files, packages = debian.with_apt(lock["suites"], "deb", newest)
    known = {package.sha256 for package in pinned}
    moved = [package.name for package in packages if package.sha256 not in known]
    return files, f"Debian has moved on: not the pinned {_list(moved)}" if moved else ""


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _wanted(apt: debian.PrivateApt, lock: dict[str, Any]) -> list[debian.Package]:
    """Returns the newest packages that a lock file asks for."""
    patterns = lock["packages"] + lock["dependencies"]
    return [
        package
        for package in apt.closure(*lock["packages"])
        if any(fnmatch.fnmatchcase(package.name, pattern) for pattern in patterns)
    ]


def _kept(package: debian.Package) -> Path:
    """Returns where the user's cache keeps a package: Debian does not keep those of testing for long."""
    return user_cache.folder("debian") / f"{package.name}-{package.sha256}.deb"


def _download(
    apt: debian.PrivateApt, packages: Sequence[debian.Package], folder: Path
) -> list[Path]:
    """Downloads packages into the user's cache and returns their files there."""
    missing = [package for package in packages if not _kept(package).is_file()]
    if missing:
        for package, file in zip(missing, apt.download(missing, folder)):
            found = hashlib.sha256(file.read_bytes()).hexdigest()
            if found != package.sha256:
                reason = f"{package.name} {package.version} has other contents than the pinned ones"
                raise StepError("download Debian's packages", reason, _ADVICE)
            _keep(file, _kept(package))
    return [_kept(package) for package in packages]


def _keep(file: Path, kept: Path) -> None:
    """Puts a file into the cache, where it appears whole or not at all."""
    with tempfile.TemporaryDirectory(dir=kept.parent) as beside:
        os.replace(shutil.copy(file, beside), kept)


def _leave_out(prefix: Path, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        for path in list(prefix.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _relocate(request: Request, prefix: Path, scratch: Path) -> None:
    """Makes programs and libraries find each other where they are."""
    if not request.program_root and not request.plugins:
        return
    program = patchelf.fetch(scratch)
    extra = [Path(folder) for folder in request.library_folders]
    if request.program_root:
        root = Path(request.program_root)
        linking.patch_programs(prefix, root, program, _ADVICE, extra)

    def is_plugin(library: Path) -> bool:
        return any(library.relative_to(prefix).match(pattern) for pattern in request.plugins)

    linking.patch_libraries(prefix, program, _ADVICE, extra, is_plugin)


def pin(lock_file: Path) -> None:
    """Writes the versions and checksums that Debian has today into a lock file."""
    lock = json.loads(lock_file.read_text())
    packages = debian.with_apt(lock["suites"], "deb", lambda apt: _wanted(apt, lock))
    lock["pins"][debian.architecture()] = {
        package.name: {"sha256": package.sha256, "version": package.version} for package in packages
    }
    lock_file.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")


def main() -> None:
    if sys.argv[1] == "--pin":
        pin(Path(sys.argv[2]))
        return
    answer = {"missing": "", "note": ""}
    try:
        answer["note"] = fetch(Request(**json.loads(sys.argv[1])))
    except (StepError, OSError) as error:
        answer["missing"] = " ".join(str(error).split())
    print(json.dumps(answer, sort_keys=True))


if __name__ == "__main__":
    main()
