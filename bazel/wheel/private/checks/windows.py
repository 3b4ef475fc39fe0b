"""The native files of a wheel for Windows: machine, time, libraries, exports, names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from . import macho, symbols, systems
from .elf import MAGIC as ELF_MAGIC
from .pe import MAGIC, Pe, UnreadablePe, read
from .policy import Policy
from .wheel import Expected, Wheel, windows_of

_PYTHON_DLL = re.compile(r"python\d+t?(_d)?\.dll")


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields problems with the native files."""
    files: dict[str, Pe] = {}
    for path, data in sorted(wheel.files.items()):
        if data.startswith((ELF_MAGIC, macho.MAGIC, *macho.FOREIGN_MAGICS)):
            yield (
                f"{path}: is for another system, and the platform tag is {expected.platform_tag}; "
                "build it with `--platforms` of Windows"
            )
        elif data.startswith(MAGIC):
            try:
                files[path] = read(data)
            except UnreadablePe as error:
                yield f"{path}: cannot be read as PE ({error}); build it again"
    for path, file in files.items():
        yield from _machine(path, file, expected)
        yield from _header(path, file)
        yield from _name(path, file, expected.policy)
        yield from _needed(path, file, files, expected)
    yield from _entries(files, expected)
    yield from _duplicates(wheel, files)
    yield from _accelerator(files, expected)


def _machine(path: str, file: Pe, expected: Expected) -> Iterator[str]:
    machine = windows_of(expected.platform_tag)
    if machine and file.machine != systems.WINDOWS_MACHINES.get(machine):
        yield (
            f"{path}: is not for {machine}, as the platform tag says; "
            "build with `--platforms` of that machine"
        )


def _header(path: str, file: Pe) -> Iterator[str]:
    if file.timestamp:
        yield (
            f"{path}: has a time in its header, so two builds of it differ; link with -timestamp:0"
        )
    missing = [name for flag, name in systems.WINDOWS_FLAGS.items() if not file.flags & flag]
    if missing:
        yield (
            f"{path}: lacks {', '.join(missing)} of DllCharacteristics, which harden a process; "
            "link it without the option that turns them off"
        )
    if file.symbol_file:
        yield (
            f"{path}: names {file.symbol_file}, a file of the build machine; "
            "link it without debug information"
        )


def _name(path: str, file: Pe, policy: Policy) -> Iterator[str]:
    name = PurePosixPath(path).name
    if file.is_dll == name.endswith(".exe"):
        kind, suffix = ("DLL", ".dll or .pyd") if file.is_dll else ("program", ".exe")
        yield f"{path}: is a {kind}, which Windows knows by {suffix}; name it so"
    if file.is_dll and name.startswith(policy.taken_library_prefixes):
        yield f"{path}: has the name {name}, {policy.taken_library_advice}"
    if file.is_dll and file.name not in ("", name):
        yield (
            f"{path}: calls itself {file.name} in its export table, and what is linked to it looks "
            "for that; name it so"
        )


def _needed(path: str, file: Pe, files: dict[str, Pe], expected: Expected) -> Iterator[str]:
    shipped = {PurePosixPath(other).name.lower(): other for other in files}
    for library, names in file.imported.items():
        if systems.is_library_of_windows(library) or library in expected.accelerator_libraries:
            continue
        if library in systems.COMPILER_LIBRARIES:
            yield (
                f"{path}: needs {library} of a compiler, which Windows does not have; "
                "link it statically, as the zig toolchain does"
            )
        elif _PYTHON_DLL.fullmatch(library):
            yield from _python(path, file, library, expected)
        elif library in shipped:
            yield from _taken(path, library, names, files[shipped[library]])
        elif not (expected.is_plugin and library in expected.policy.plugin_host_libraries):
            yield (
                f"{path}: needs {library}, which is neither in the wheel nor on every Windows; "
                "link it statically, add it to `native`, or allow it in the policy"
            )


def _taken(path: str, library: str, names: list[str], other: Pe) -> Iterator[str]:
    missing = sorted(set(names) - set(other.exported))
    if missing:
        yield (
            f"{path}: takes {', '.join(missing[:3])} from {library}, which does not export it; "
            "build both from the same sources"
        )


def _python(path: str, file: Pe, library: str, expected: Expected) -> Iterator[str]:
    if expected.is_plugin or not symbols.is_extension(path, file.exported):
        yield (
            f"{path}: needs {library}, so it works with one ABI only; "
            "move what uses Python to the extension"
        )
    elif library != f"python{expected.abi_tag.removeprefix('cp')}.dll":
        yield (
            f"{path}: needs {library}, and the ABI of the wheel is {expected.abi_tag}; "
            "build the extension for that ABI"
        )


def _entries(files: dict[str, Pe], expected: Expected) -> Iterator[str]:
    extensions = {
        path: file for path, file in files.items() if symbols.is_extension(path, file.exported)
    }
    libraries = {path: file for path, file in files.items() if path not in extensions}
    if expected.is_plugin:
        yield from _plugin(libraries, extensions, expected.policy)
    elif not extensions:
        yield symbols.no_extension(expected)
    for path, file in files.items():
        yield from symbols.cxx_runtime(path, file.exported)
    for path, file in extensions.items():
        if not expected.is_plugin:
            yield from symbols.suffix(path, expected)
            yield from symbols.exports_of_extension(path, file.exported)


def _plugin(libraries: dict[str, Pe], extensions: dict[str, Pe], policy: Policy) -> Iterator[str]:
    for path in extensions:
        yield symbols.is_for_one_python(path)
    if not libraries:
        yield symbols.NO_LIBRARY
    for path, file in libraries.items():
        yield from symbols.exports_of_plugin(path, file.exported, policy)


def _duplicates(wheel: Wheel, files: dict[str, Pe]) -> Iterator[str]:
    contents: dict[str, str] = {}
    names: dict[str, str] = {}
    for path in files:
        first = contents.setdefault(hashlib.sha256(wheel.files[path]).hexdigest(), path)
        if first != path:
            yield f"{path}: is {first} again, byte for byte; ship each library once"
            continue
        first = names.setdefault(PurePosixPath(path).name.lower(), path)
        if first != path:
            yield (
                f"{path}: has the name of {first}, and a process takes one of them for both; "
                "ship each library once"
            )


def _accelerator(files: dict[str, Pe], expected: Expected) -> Iterator[str]:
    libraries = expected.accelerator_libraries
    if libraries and not any(libraries & set(file.imported) for file in files.values()):
        yield (
            f"nothing in the wheel needs any of {', '.join(sorted(libraries))}, though it is "
            f"labelled {expected.accelerator}; "
            f"build it with that accelerator, or label it {expected.policy.default_accelerator}"
        )
