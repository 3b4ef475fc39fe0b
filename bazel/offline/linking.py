"""Makes the programs of unpacked Debian packages use the libraries that lie beside them.

Debian builds them for `/usr` and for its own C library. The host's may be older, so every program
gets the dynamic loader and the library directories of the prefix that it was unpacked to.
"""

from __future__ import annotations

import os
import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from steps import StepError, run

_ELF_64_BIT_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
_PROGRAM_INTERPRETER = 3
_STEP = "relocate Debian's packages"


def relink(prefix: Path) -> None:
    """Turns absolute symbolic links into relative ones that stay below the prefix."""
    for directory, folders, files in os.walk(prefix):
        for name in folders + files:
            link = Path(directory, name)
            if link.is_symlink() and (target := os.readlink(link)).startswith("/"):
                link.unlink()
                link.symlink_to(os.path.relpath(f"{prefix}{target}", directory))


def patch_programs(
    prefix: Path, final: Path, patchelf: Path, advice: str, extra: Sequence[Path] = ()
) -> None:
    """Makes every program use the C library and the shared libraries of the prefix.

    Args:
        prefix: where the packages were unpacked.
        final: later name of `prefix`. If it is a relative path, no absolute one gets into the
            programs: they find their libraries by their own place, and are started from the
            directory that it is relative to.
        patchelf: the program that does it.
        advice: remedy for the user if it fails.
        extra: directories of libraries below the prefix, beside that of the C library.
    """
    libraries = sorted(path.parent for path in (prefix / "usr/lib").glob("*/libc.so.6"))
    folders = [path.relative_to(prefix) for path in libraries] + list(extra)
    alike = defaultdict(list)
    for program, interpreter in _programs(prefix).items():
        if final.is_absolute():
            run_path = ":".join(str(final / folder) for folder in folders)
        else:
            run_path = _run_path_from(program, prefix, folders)
        alike[interpreter, run_path].append(program)
    for (interpreter, run_path), programs in alike.items():
        # Debian's root has links from /lib to /usr/lib; the packages have /usr/lib alone.
        loader = f"usr/{interpreter.lstrip('/').removeprefix('usr/')}"
        if not (prefix / loader).exists():
            raise StepError(_STEP, f"the C library has no {loader}", advice)
        # DT_RPATH and not DT_RUNPATH: the libraries' own dependencies must be found by it too.
        options = ["--force-rpath", "--set-rpath", run_path]
        options += ["--set-interpreter", str(final / loader)]
        run(_STEP, [patchelf, *options, *programs], advice)


def patch_libraries(
    prefix: Path,
    patchelf: Path,
    advice: str,
    extra: Sequence[Path] = (),
    concerns: Callable[[Path], bool] = lambda _: False,
) -> None:
    """Makes libraries of the prefix find others that the programs' run paths do not reach.

    Args:
        prefix: where the packages were unpacked.
        patchelf: the program that does it.
        advice: remedy for the user if it fails.
        extra: directories of libraries below the prefix, beside those right below
            /usr/lib/<architecture>.
        concerns: returns whether foreign programs open a library. A library with a run path of its
            own, which switches off the programs', is always given one.
    """
    folders = [path.relative_to(prefix) for path in (prefix / "usr/lib").glob("*-linux-gnu*")]
    folders += extra
    for library in _libraries(prefix):
        if concerns(library) or run(_STEP, [patchelf, "--print-rpath", library], advice).strip():
            run_path = _run_path_from(library, prefix, folders)
            run(_STEP, [patchelf, "--force-rpath", "--set-rpath", run_path, library], advice)


def _run_path_from(file: Path, prefix: Path, folders: Sequence[Path]) -> str:
    """Returns a run path that is relative to the file which will have it."""
    paths = (os.path.relpath(prefix / folder, file.parent) for folder in folders)
    return ":".join(f"$ORIGIN/{path}" for path in paths)


def check(prefix: Path, advice: str, concerns: Callable[[Path], bool] = lambda _: True) -> None:
    """Raises StepError when a program misses a shared library.

    Args:
        prefix: where the programs lie for good.
        advice: remedy for the user if it fails.
        concerns: returns whether a program is to be checked.
    """
    for program, interpreter in _programs(prefix).items():
        if not concerns(program):
            continue
        listing = run(_STEP, [interpreter, "--list", program], advice)
        if missing := re.findall(r"^\s*(\S+) => not found", listing, flags=re.MULTILINE):
            raise StepError(_STEP, f"{program.name} needs {', '.join(missing)}", advice)


def _programs(prefix: Path) -> dict[Path, str]:
    """Returns the dynamically linked programs under the prefix and their interpreters."""
    found = {}
    for path in _files(prefix):
        if not _is_library(path) and (name := _interpreter(path)):
            found[path] = name
    return found


def _libraries(prefix: Path) -> Iterator[Path]:
    """Yields the dynamically linked libraries under the prefix, without the dynamic loader."""
    for path in _files(prefix):
        if _is_library(path) and not path.name.startswith("ld-"):
            with path.open("rb") as file:
                if file.read(6) == _ELF_64_BIT_LITTLE_ENDIAN:
                    yield path


def _files(prefix: Path) -> Iterator[Path]:
    for directory, _, files in os.walk(prefix):
        for path in (Path(directory, name) for name in files):
            if not path.is_symlink():
                yield path


def _is_library(path: Path) -> bool:
    return re.search(r"\.so(\.\d+)*$", path.name) is not None


def _interpreter(path: Path) -> str | None:
    """Returns the interpreter that an ELF program names; None for any other file."""
    with path.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or not header.startswith(_ELF_64_BIT_LITTLE_ENDIAN):
            return None
        (table,) = struct.unpack_from("<Q", header, 32)
        entry_size, count = struct.unpack_from("<HH", header, 54)
        for index in range(count):
            file.seek(table + index * entry_size)
            kind, _, offset, _, _, size = struct.unpack("<IIQQQQ", file.read(40))
            if kind == _PROGRAM_INTERPRETER:
                file.seek(offset)
                return file.read(size).rstrip(b"\0").decode()
    return None
