"""Fetches packages of Debian, pinned by a lock file, through the apt settings of the user.

Usage: fetch_packages.py '{"lock": ..., "folder": ..., ...}'

Called by the repository rule `debian_packages` with the host's Python. The request's fields are
those of `Request`. Prints one JSON object: `packages`, the file names and checksums of the unpacked
packages; `note`, a message if they are not the pinned ones; `missing`, the reason if there are
none. Only a bug makes it fail.

Usage: fetch_packages.py --pin LOCK

Writes the versions and checksums that Debian has today into a lock file. Its fields:
    suites: releases of Debian, in the order in which they are asked.
    components: parts of the archive; if the field is missing, Debian itself (`main`).
    packages: names of the packages that are wanted.
    dependencies: patterns of the dependencies to fetch as well: ["*"] is all, [] none.
    pins: architecture -> package -> version and SHA-256.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).absolute().parents[1] / "offline"))

import debian  # noqa: E402
import linking  # noqa: E402
import patchelf  # noqa: E402
import user_cache  # noqa: E402
from steps import StepError  # noqa: E402

_ADVICE = "Run the same command again."
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Request:
    """A request: the packages to fetch and the changes to make to them.

    Attributes:
        lock: the lock file.
        folder: where the packages are unpacked; it may exist, but usr may not be in it.
        leave_out: patterns of paths below the directory that are removed.
        program_root: the directory as programs see it from where they are started; empty: programs
            stay as they are.
        library_folders: directories of libraries below the directory that programs need beside
            /usr/lib/<architecture>.
        plugins: patterns of paths of libraries that foreign programs open, so they must find others
            by themselves.
    """

    lock: str
    folder: str
    leave_out: Sequence[str] = ()
    program_root: str = ""
    library_folders: Sequence[str] = ()
    plugins: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Answer:
    """The packages that were fetched.

    Attributes:
        packages: name -> file name and SHA-256.
        note: a sentence to show where they are not the pinned ones.
        missing: the reason if there are none.
    """

    packages: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    note: str = ""
    missing: str = ""


def fetch(request: Request) -> Answer:
    """Fetches and unpacks.

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
        packages, note = _packages(lock, Path(scratch, "packages"))
        files = {package: _kept(package) for package in packages}
        debian.unpack(list(files.values()), unpacked)
        debian.merge_usr(unpacked)
        linking.relink(unpacked)
        _leave_out(unpacked, request.leave_out)
        _relocate(request, unpacked, Path(scratch))
        for path in unpacked.iterdir():
            path.rename(folder / path.name)
    return Answer(
        {
            package.name: {"file": file.name, "sha256": package.sha256}
            for package, file in files.items()
        },
        note,
    )


def _packages(lock: dict[str, Any], scratch: Path) -> tuple[list[debian.Package], str]:
    """Returns the pinned packages if available, else the newest, and the message to show."""
    pins = lock["pins"].get(debian.architecture(), {})
    pinned = [debian.Package(name, pin["version"], pin["sha256"], 0) for name, pin in pins.items()]
    if pinned and _get(lock, pinned, scratch / "pinned"):
        return pinned, ""

    def newest(apt: debian.PrivateApt) -> list[debian.Package]:
        packages = _wanted(apt, lock)
        _download(apt, packages, scratch / "newest")
        return packages

    packages = _with_apt(lock, newest)
    known = {package.sha256 for package in pinned}
    moved = [package.name for package in packages if package.sha256 not in known]
    return packages, f"Debian has moved on: not the pinned {_list(moved)}" if moved else ""


def _with_apt(lock: dict[str, Any], use: Callable[[debian.PrivateApt], _T]) -> _T:
    """Calls `use` with an apt for the suites and components of a lock file."""
    components = {"components": lock["components"]} if "components" in lock else {}
    return debian.with_apt(lock["suites"], "deb", use, **components)


def _get(lock: dict[str, Any], packages: Sequence[debian.Package], scratch: Path) -> bool:
    """Puts packages into the user's cache; returns whether they are still available."""
    if all(map(_kept, packages)):
        return True
    with contextlib.suppress(StepError):
        _with_apt(lock, lambda apt: _download(apt, packages, scratch))
        return True
    return False


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


def _kept(package: debian.Package) -> Path | None:
    """Returns a package's file in the user's cache, which outlives Debian's testing."""
    return next((user_cache.folder("debian") / package.sha256).glob("*.deb"), None)


def _download(apt: debian.PrivateApt, packages: Sequence[debian.Package], scratch: Path) -> None:
    """Downloads missing packages into the user's cache."""
    scratch.mkdir(parents=True, exist_ok=True)
    missing = [package for package in packages if not _kept(package)]
    for package, file in zip(missing, apt.download(missing, scratch) if missing else []):
        if hashlib.sha256(file.read_bytes()).hexdigest() != package.sha256:
            reason = f"{package.name} {package.version} has other contents than the pinned ones"
            raise StepError("download Debian's packages", reason, _ADVICE)
        _keep(file, package.sha256)


def _keep(file: Path, sha256: str) -> None:
    """Puts a file into the cache atomically."""
    cache = user_cache.folder("debian")
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        folder = Path(scratch, sha256)
        folder.mkdir()
        shutil.copy(file, folder)
        # Another process may have been faster.
        with contextlib.suppress(OSError):
            folder.rename(cache / sha256)


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
    packages = _with_apt(lock, lambda apt: _wanted(apt, lock))
    lock["pins"][debian.architecture()] = {
        package.name: {"sha256": package.sha256, "version": package.version} for package in packages
    }
    lock_file.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n")


def main() -> None:
    if sys.argv[1] == "--pin":
        pin(Path(sys.argv[2]))
        return
    try:
        answer = fetch(Request(**json.loads(sys.argv[1])))
    except StepError as error:
        sentence = f"could not {error.step}: {error.reason}. {error.advice}"
        answer = Answer(missing=" ".join(sentence.split()))
    except OSError as error:
        answer = Answer(missing=f"could not fetch packages of Debian: {error}")
    print(json.dumps(dataclasses.asdict(answer), sort_keys=True))


if __name__ == "__main__":
    main()
