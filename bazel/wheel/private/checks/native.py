"""The native files: machine, symbol versions, what they need and where they look for it, what they export."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Optional

from . import elf as elf_module
from . import policy
from .elf import Elf
from .wheel import Expected, Platform, Wheel, platform_of

# Symbols of the C++ runtime: the standard library's, those of the compiler's ABI, the unwinder's.
_CXX_RUNTIME = re.compile(
    r"_Z(T[CISTV]|GV|GR)?(N[KORVr]*)?(St|S[abdios]|10__cxxabiv1|9__gnu_cxx)"
    r"|_Z(n[aw]|d[al])"
    r"|__(cxa|gxx)_"
    r"|_Unwind_"
)
_PYTHON = re.compile(r"_?Py[A-Z_]")
_EXTENSION_NAME = re.compile(r"[^.]+\.(cpython-[^/]*|abi3|abi3t)\.so")
_INIT = "PyInit_"


def check(wheel: Wheel, expected: Expected) -> Iterator[str]:
    """Yields what is wrong with the native files."""
    elves: dict[str, Elf] = {}
    for path, data in sorted(wheel.files.items()):
        if data.startswith(elf_module.MAGIC):
            try:
                elves[path] = elf_module.read(data)
            except elf_module.UnreadableElf as error:
                yield f"{path}: cannot be read as ELF ({error}); build it again, with section headers"
    for path, elf in elves.items():
        yield from _machine(path, elf, expected)
        yield from _versions(path, elf, expected)
        yield from _needed(path, elf, elves, expected)
        yield from _run_paths(path, elf)
        yield from _symbols(path, elf)
    yield from _accelerator(elves, expected)
    yield from _extensions(elves, expected)
    yield from _duplicates(wheel, elves)
    yield from _programs(wheel, elves)


def _is_extension(path: str, elf: Elf) -> bool:
    name = PurePosixPath(path).name
    return bool(_EXTENSION_NAME.fullmatch(name)) or any(
        symbol.startswith(_INIT) for symbol in elf.exported
    )


def _platforms(expected: Expected) -> list[Platform]:
    """The platforms of the tag that this knows; names.py speaks up about the others."""
    found = (platform_of(tag) for tag in expected.platform_tag.split("."))
    return [platform for platform in found if platform and platform.machine in policy.MACHINES]


def _machine(path: str, elf: Elf, expected: Expected) -> Iterator[str]:
    for platform in _platforms(expected):
        machine = policy.MACHINES[platform.machine][0]
        if elf.machine != machine:
            yield (
                f"{path}: is for {elf.machine[3:]}, the platform tag for {platform.machine}; "
                f"build with `--platforms` of that machine"
            )


def _versions(path: str, elf: Elf, expected: Expected) -> Iterator[str]:
    floors = [platform.glibc for platform in _platforms(expected)]
    if not floors:
        return
    floor = min(floors)
    limits: dict[str, tuple[int, ...]] = {"GLIBC": floor}
    levels = [level for level in policy.RUNTIME_LEVELS if level <= floor]
    limits.update(policy.RUNTIME_LEVELS[max(levels)] if levels else {})
    for library, version in elf.versions:
        if library in policy.SYSTEM_LIBRARIES and _is_too_new(version, limits):
            yield (
                f"{path}: needs {version} of {library}, which a system of {expected.platform_tag} need not have; "
                "compile for an older glibc, or raise the platform's glibc floor"
            )


def _is_too_new(version: str, limits: dict[str, tuple[int, ...]]) -> bool:
    family, _, number = version.rpartition("_")
    parts = number.split(".")
    if family not in limits or not all(part.isdigit() for part in parts):
        return True  # such as GLIBC_PRIVATE or GLIBC_ABI_DT_RELR, which no policy has
    return tuple(map(int, parts)) > limits[family]


def _needed(path: str, elf: Elf, elves: dict[str, Elf], expected: Expected) -> Iterator[str]:
    shipped = {PurePosixPath(other).name for other in elves}
    allowed = policy.ACCELERATOR_LIBRARIES.get(expected.accelerator, frozenset())
    for library in elf.needed:
        if library in policy.SYSTEM_LIBRARIES | allowed:
            continue
        if library in shipped:
            if not _is_reachable(path, elf, library, elves):
                yield (
                    f"{path}: needs {library}, but none of its run paths ({', '.join(elf.run_paths) or 'it has none'}) "
                    "leads to where the wheel has it; set the run path to $ORIGIN/..."
                )
            continue
        owner = _owner(library)
        if owner:
            yield (
                f"{path}: needs {library} of {owner}, but the wheel is for {expected.accelerator}; "
                f"build it for that accelerator, or link without it"
            )
        else:
            yield (
                f"{path}: needs {library}, which is neither in the wheel nor on every system of its platform tag; "
                "link it statically, add it to `native`, or allow it in policy.py"
            )


def _owner(library: str) -> Optional[str]:
    """The accelerator whose libraries include this one."""
    for label, libraries in policy.ACCELERATOR_LIBRARIES.items():
        if library in libraries:
            return label
    return None


def _folder(path: str, run_path: str) -> str:
    """The folder that a run path names, below the one that the wheel is installed in."""
    return posixpath.normpath(run_path.replace("$ORIGIN", posixpath.dirname(path) or ".", 1))


def _is_reachable(path: str, elf: Elf, library: str, elves: dict[str, Elf]) -> bool:
    return any(
        posixpath.normpath(f"{_folder(path, entry)}/{library}") in elves for entry in elf.run_paths
    )


def _run_paths(path: str, elf: Elf) -> Iterator[str]:
    for entry in elf.run_paths:
        if entry.split("/")[0] != "$ORIGIN":
            yield f"{path}: has the run path {entry!r}, a folder of the build machine; link with $ORIGIN/... instead"
        elif _folder(path, entry).split("/")[0] == "..":
            yield f"{path}: has the run path {entry!r}, which leaves site-packages; link with a shorter one"


def _symbols(path: str, elf: Elf) -> Iterator[str]:
    python = [name for name in elf.undefined if _PYTHON.match(name)]
    if python and not _is_extension(path, elf):
        yield (
            f"{path}: needs {_some(python)} of Python, so it works with one ABI only; "
            "move what uses Python to the extension"
        )
    leaked = [name for name in elf.exported if _CXX_RUNTIME.match(name)]
    if leaked and not elf.is_program:
        yield (
            f"{path}: exports {_some(leaked)} of the C++ runtime, which other libraries of the process would bind to; "
            "link with a version script"
        )


def _some(names: list[str]) -> str:
    """A few of many names."""
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(sorted(names)[:3]) + rest


def _accelerator(elves: dict[str, Elf], expected: Expected) -> Iterator[str]:
    libraries = policy.ACCELERATOR_LIBRARIES.get(expected.accelerator)
    if libraries and not any(libraries & set(elf.needed) for elf in elves.values()):
        yield (
            f"nothing in the wheel needs any of {', '.join(sorted(libraries))}, though it is labelled "
            f"{expected.accelerator}; build it with that accelerator, or label it cpu"
        )


def _extensions(elves: dict[str, Elf], expected: Expected) -> Iterator[str]:
    extensions = {path: elf for path, elf in elves.items() if _is_extension(path, elf)}
    if not extensions:
        yield f"there is no extension module for {expected.abi_tag}; set `extension` of py_abi_wheel"
    for path, elf in extensions.items():
        yield from _suffix(path, expected)
        yield from _exports(path, elf)


def _suffix(path: str, expected: Expected) -> Iterator[str]:
    stem, _, rest = PurePosixPath(path).name.partition(".")
    suffix = "." + rest
    if suffix == ".so":
        yield (
            f"{path}: has the suffix .so, with which every CPython would load it, whatever its ABI; "
            f"name it {stem}{expected.ext_suffix}"
        )
    elif suffix != expected.ext_suffix:
        yield (
            f"{path}: has the suffix {suffix}, the ABI {expected.abi_tag} of the wheel {expected.ext_suffix}; "
            "build the extension for that ABI"
        )


def _exports(path: str, elf: Elf) -> Iterator[str]:
    init = _INIT + PurePosixPath(path).name.partition(".")[0]
    if init not in elf.exported:
        yield f"{path}: does not export {init}, so importing it fails; define the module under the name of its file"
    more = [name for name in elf.exported if name != init]
    if more:
        yield f"{path}: exports {_some(more)} beside {init}; link it with py_extension, which exports nothing else"


def _duplicates(wheel: Wheel, elves: dict[str, Elf]) -> Iterator[str]:
    contents: dict[str, str] = {}
    sonames: dict[str, str] = {}
    for path, elf in elves.items():
        name = PurePosixPath(path).name
        if elf.soname and elf.soname != name:
            yield f"{path}: has the soname {elf.soname}, under which nothing finds a file called {name}; name it so"
        first = contents.setdefault(hashlib.sha256(wheel.files[path]).hexdigest(), path)
        if first != path:
            yield f"{path}: is {first} again, byte for byte; ship each library once"
            continue
        first = sonames.setdefault(elf.soname or name, path)
        if first != path:
            yield f"{path}: has the soname of {first}, and a process loads only one of them; ship each library once"


def _programs(wheel: Wheel, elves: dict[str, Elf]) -> Iterator[str]:
    for entry in wheel.entries:
        elf = elves.get(entry.filename)
        if elf and elf.is_program and not entry.external_attr >> 16 & 0o100:
            yield f"{entry.filename}: is a program without its executable bit; build the wheel again with py_abi_wheel"
