"""Needed libraries and run paths of native files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Optional

from . import systems
from .elf import Elf
from .policy import Policy
from .wheel import Expected


def check(elves: dict[str, Elf], native: set[str], expected: Expected) -> Iterator[str]:
    """Yields libraries that a user of the wheel need not have, and run paths that lead nowhere.

    Args:
        elves: Path -> readable file.
        native: Paths of all native files, the unreadable ones too.
        expected: As everywhere.
    """
    for path, elf in elves.items():
        yield from _needed(path, elf, native, expected)
        yield from _run_paths(path, elf)
    yield from _accelerator(elves, expected)
    yield from _host_libraries(native, expected)


def _needed(path: str, elf: Elf, native: set[str], expected: Expected) -> Iterator[str]:
    allowed = expected.accelerator_libraries
    if expected.is_plugin:
        allowed |= expected.policy.plugin_host_libraries
    shipped = {posixpath.basename(other) for other in native}
    for library in elf.needed:
        if library in expected.system_libraries or library in allowed:
            continue
        owner = _owner(library, expected.policy)
        if library in shipped:
            yield from _unreachable(path, elf, library, native)
        elif library in systems.SYSTEM_LIBRARIES:
            yield (
                f"{path}: needs {library} of systems with glibc, and the platform tag is "
                f"{expected.platform_tag}; build it with `--platforms` of musl, or link it "
                "statically"
            )
        elif owner:
            yield (
                f"{path}: needs {library} of {owner}, but the wheel is for {expected.accelerator}; "
                "build it for that accelerator, or link without it"
            )
        else:
            yield (
                f"{path}: needs {library}, which is neither in the wheel nor on every system of "
                "its platform tag; link it statically, add it to `native`, or allow it in the "
                "policy"
            )


def _owner(library: str, policy: Policy) -> Optional[str]:
    """Returns the first accelerator whose libraries include this one."""
    libraries = policy.accelerator_libraries
    return next((label for label in libraries if library in libraries[label]), None)


def _unreachable(path: str, elf: Elf, library: str, native: set[str]) -> Iterator[str]:
    places = {posixpath.normpath(f"{_folder(path, entry)}/{library}") for entry in elf.run_paths}
    if not places & native:
        yield (
            f"{path}: needs {library}, but none of its run paths "
            f"({', '.join(elf.run_paths) or 'it has none'}) leads to where the wheel has it; "
            "set the run path to $ORIGIN/..."
        )


def _folder(path: str, run_path: str) -> str:
    """Returns a run path's directory, below the one that the wheel is installed in."""
    return posixpath.normpath(run_path.replace("$ORIGIN", posixpath.dirname(path) or ".", 1))


def _run_paths(path: str, elf: Elf) -> Iterator[str]:
    if elf.has_runpath:
        yield (
            f"{path}: has DT_RUNPATH, which LD_LIBRARY_PATH comes before; "
            "link with -Wl,--disable-new-dtags"
        )
    for entry in elf.run_paths:
        if entry.split("/")[0] != "$ORIGIN":
            yield (
                f"{path}: has the run path {entry!r}, a folder of the build machine; "
                "link with $ORIGIN/... instead"
            )
        elif _folder(path, entry).split("/")[0] == "..":
            yield (
                f"{path}: has the run path {entry!r}, which leaves site-packages; "
                "link with a shorter one"
            )


def _host_libraries(native: set[str], expected: Expected) -> Iterator[str]:
    """Checks that a plug-in uses the host's libraries: a copy would have its own registry."""
    policy = expected.policy
    for path in sorted(native):
        if expected.is_plugin and posixpath.basename(path) in policy.plugin_host_libraries:
            yield (
                f"{path}: is a library of {policy.plugin_host}, which has it loaded already; "
                "leave it out of `native`"
            )


def _accelerator(elves: dict[str, Elf], expected: Expected) -> Iterator[str]:
    libraries = expected.accelerator_libraries
    if libraries and not any(libraries & set(elf.needed) for elf in elves.values()):
        yield (
            f"nothing in the wheel needs any of {', '.join(sorted(libraries))}, though it is "
            f"labelled {expected.accelerator}; "
            f"build it with that accelerator, or label it {expected.policy.default_accelerator}"
        )
