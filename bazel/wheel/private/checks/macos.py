"""The native files of a wheel for macOS: machine, oldest system, libraries, run paths, entries."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from . import symbols, systems
from .elf import MAGIC as ELF_MAGIC
from .macho import FOREIGN_MAGICS, MAGIC, MachO, UnreadableMachO, read
from .names import library_name
from .policy import Policy
from .wheel import Expected, MacosPlatform, Wheel, macos_of

_LOADER = "@loader_path"
_RUN_PATH = "@rpath/"


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields problems with the native files."""
    platforms = [macos_of(tag) for tag in expected.platform_tag.split(".")]
    files: dict[str, MachO] = {}
    for path, data in sorted(wheel.files.items()):
        if data.startswith(MAGIC):
            try:
                files[path] = read(data)
            except UnreadableMachO as error:
                yield f"{path}: cannot be read as Mach-O ({error}); build it again"
        elif data.startswith((ELF_MAGIC, *FOREIGN_MAGICS)):
            yield (
                f"{path}: is no 64-bit Mach-O file of one machine; "
                "build it with `--platforms` of a Mac"
            )
    for path, file in files.items():
        for platform in platforms:
            if platform:
                yield from _platform(path, file, platform)
                yield from _signature(path, file, platform)
        yield from _name(path, file, expected.policy)
        yield from _needed(path, file, files, expected)
        yield from _run_paths(path, file)
    yield from _entries(files, expected)
    yield from _accelerator(files, expected)


def _entries(files: dict[str, MachO], expected: Expected) -> Iterator[str]:
    """Yields problems with entry symbols; more may be exported, as zig's linker can't hide them."""
    extensions = {
        path: file for path, file in files.items() if symbols.is_extension(path, file.exported)
    }
    if expected.is_plugin:
        yield from _plugin(files, extensions, expected.policy)
        return
    if not extensions:
        yield symbols.no_extension(expected)
    for path, file in extensions.items():
        yield from symbols.suffix(path, expected)
        yield from symbols.init_function(path, file.exported)


def _plugin(files: dict[str, MachO], extensions: dict[str, MachO], policy: Policy) -> Iterator[str]:
    for path in extensions:
        yield symbols.is_for_one_python(path)
    libraries = {path: file for path, file in files.items() if path not in extensions}
    if not libraries:
        yield symbols.NO_LIBRARY
    for path, file in libraries.items():
        yield from symbols.entry_point(path, file.exported, policy)


def _platform(path: str, file: MachO, platform: MacosPlatform) -> Iterator[str]:
    if file.machine != systems.MACOS_MACHINES.get(platform.machine):
        yield (
            f"{path}: is not for {platform.machine}, as the platform tag says; "
            "build with `--platforms` of that machine"
        )
    if file.minimum > platform.minimum:
        oldest, promised = (".".join(map(str, pair)) for pair in (file.minimum, platform.minimum))
        yield (
            f"{path}: needs macOS {oldest}, and the platform tag promises {promised}; "
            "compile for MACOS_DEPLOYMENT_TARGET (//platforms:macos.bzl)"
        )


def _signature(path: str, file: MachO, platform: MacosPlatform) -> Iterator[str]:
    """Checks for a signature, ad hoc or not, where code without one is killed."""
    if platform.machine in systems.MACOS_SIGNED and not file.is_signed:
        yield (
            f"{path}: is not signed, and a Mac with Apple's CPU kills unsigned code; "
            "link with zig, or `codesign --sign -`"
        )


def _name(path: str, file: MachO, policy: Policy) -> Iterator[str]:
    name = file.install_name.removeprefix(_RUN_PATH)
    if name and name == file.install_name:
        yield (
            f"{path}: has the install name {name}, under which nothing finds it; "
            f"link it with {_RUN_PATH}..."
        )
        return
    yield from library_name(path, "install name", name, policy)


def _needed(path: str, file: MachO, files: dict[str, MachO], expected: Expected) -> Iterator[str]:
    for library in file.needed:
        if library == file.install_name or library.startswith(systems.MACOS_SYSTEM_FOLDERS):
            continue
        name = library.removeprefix(_RUN_PATH) if library.startswith(_RUN_PATH) else ""
        if expected.is_plugin and name in expected.policy.plugin_host_libraries:
            continue
        places = {posixpath.normpath(f"{_folder(path, entry)}/{name}") for entry in file.run_paths}
        if not name or not places & set(files):
            yield (
                f"{path}: needs {library}, which is neither on every Mac nor where its run paths "
                f"({', '.join(file.run_paths) or 'it has none'}) lead in the wheel; "
                "link it statically or add it to `native`"
            )


def _folder(path: str, run_path: str) -> str:
    """Returns a run path's directory, below the one that the wheel is installed in."""
    return posixpath.normpath(run_path.replace(_LOADER, posixpath.dirname(path) or ".", 1))


def _run_paths(path: str, file: MachO) -> Iterator[str]:
    for entry in file.run_paths:
        if entry.split("/")[0] != _LOADER:
            yield (
                f"{path}: has the run path {entry!r}, a folder of the build machine; "
                f"link with {_LOADER}/... instead"
            )
        elif _folder(path, entry).split("/")[0] == "..":
            yield (
                f"{path}: has the run path {entry!r}, which leaves site-packages; "
                "link with a shorter one"
            )


def _accelerator(files: dict[str, MachO], expected: Expected) -> Iterator[str]:
    libraries = expected.accelerator_libraries
    if libraries and not any(libraries & set(file.needed) for file in files.values()):
        yield (
            f"nothing in the wheel needs any of {', '.join(sorted(libraries))}, though it is "
            f"labelled {expected.accelerator}; "
            f"build it with that accelerator, or label it {expected.policy.default_accelerator}"
        )
