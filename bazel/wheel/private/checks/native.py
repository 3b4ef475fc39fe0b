"""Native files: machine, symbol versions, each once; linking.py and symbols.py check the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from . import linking, macho, macos, musl, pe, symbols, systems, windows
from .elf import MAGIC, Elf, UnreadableElf, read
from .names import library_name
from .policy import Policy
from .wheel import Expected, Platform, Wheel, macos_of, musl_of, platform_of, windows_of


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields problems with the native files."""
    if any(map(macos_of, expected.platform_tag.split("."))):
        yield from macos.check(wheel, expected)
        return
    if any(map(windows_of, expected.platform_tag.split("."))):
        yield from windows.check(wheel, expected)
        return
    for path, data in sorted(wheel.files.items()):
        if data.startswith((macho.MAGIC, *macho.FOREIGN_MAGICS)):
            yield (
                f"{path}: is a file for macOS, and the platform tag is {expected.platform_tag}; "
                "leave it out"
            )
        elif data.startswith(pe.MAGIC):
            yield (
                f"{path}: is a file for Windows, and the platform tag is {expected.platform_tag}; "
                "leave it out"
            )
    native = {path for path, data in wheel.files.items() if data.startswith(MAGIC)}
    elves: dict[str, Elf] = {}
    for path in sorted(native):
        try:
            elves[path] = read(wheel.files[path])
        except UnreadableElf as error:
            yield f"{path}: cannot be read as ELF ({error}); build it again, with section headers"
    for path, elf in elves.items():
        yield from _machine(path, elf, expected)
        yield from _versions(path, elf, expected)
        yield from musl.check(path, elf, expected)
    yield from linking.check(elves, native, expected)
    yield from symbols.check(elves, expected)
    yield from _duplicates(wheel, elves, expected.policy)
    yield from _programs(wheel, elves)


def _platforms(expected: Expected) -> list[Platform]:
    """Returns the known platforms with glibc of the tag; names.py reports unknown ones."""
    found = (platform_of(tag) for tag in expected.platform_tag.split("."))
    return [platform for platform in found if platform and platform.machine in systems.MACHINES]


def _machine(path: str, elf: Elf, expected: Expected) -> Iterator[str]:
    tags = expected.platform_tag.split(".")
    machines = {platform.machine for platform in map(musl_of, tags) if platform}
    machines.update(platform.machine for platform in _platforms(expected))
    for machine in sorted(machines & set(systems.MACHINES)):
        if elf.machine != systems.MACHINES[machine][0]:
            yield (
                f"{path}: is for {elf.machine[len('EM_') :]}, the platform tag for {machine}; "
                "build with `--platforms` of that machine"
            )


def _versions(path: str, elf: Elf, expected: Expected) -> Iterator[str]:
    floors = [platform.glibc for platform in _platforms(expected)]
    if not floors:
        return
    floor = min(floors)
    limits: dict[str, tuple[int, ...]] = {"GLIBC": floor}
    levels = [level for level in systems.RUNTIME_LEVELS if level <= floor]
    limits.update(systems.RUNTIME_LEVELS[max(levels)] if levels else {})
    for library, version in elf.versions:
        if library in systems.SYSTEM_LIBRARIES and _is_too_new(version, limits):
            yield (
                f"{path}: needs {version} of {library}, which a system of {expected.platform_tag} "
                "need not have; compile for an older glibc, or raise the platform's glibc floor"
            )


def _is_too_new(version: str, limits: dict[str, tuple[int, ...]]) -> bool:
    family, _, number = version.rpartition("_")
    parts = number.split(".")
    if family not in limits or not all(part.isdigit() for part in parts):
        return True  # such as GLIBC_PRIVATE or GLIBC_ABI_DT_RELR, which no policy has
    return tuple(map(int, parts)) > limits[family]


def _duplicates(wheel: Wheel, elves: dict[str, Elf], policy: Policy) -> Iterator[str]:
    contents: dict[str, str] = {}
    sonames: dict[str, str] = {}
    for path, elf in elves.items():
        name = PurePosixPath(path).name
        yield from library_name(path, "soname", elf.soname, policy)
        first = contents.setdefault(hashlib.sha256(wheel.files[path]).hexdigest(), path)
        if first != path:
            yield f"{path}: is {first} again, byte for byte; ship each library once"
            continue
        first = sonames.setdefault(elf.soname or name, path)
        if first != path:
            yield (
                f"{path}: has the soname of {first}, and a process loads only one of them; "
                "ship each library once"
            )


def _programs(wheel: Wheel, elves: dict[str, Elf]) -> Iterator[str]:
    for entry in wheel.entries:
        elf = elves.get(entry.filename)
        if elf and elf.is_program and not entry.external_attr >> 16 & 0o100:
            yield (
                f"{entry.filename}: is a program without its executable bit; "
                "build the wheel again with py_abi_wheel"
            )
