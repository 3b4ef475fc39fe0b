"""Symbols: the extension's name and exports, Python-free libraries, a hidden C++ runtime."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from pathlib import PurePosixPath

from .elf import Elf
from .policy import Policy
from .wheel import Expected

# Names of the C++ runtime (Itanium C++ ABI): the standard library's, those of the compiler, the
# unwinder's.
_CXX_RUNTIME = re.compile(
    r"_Z(T[CISTV]|GV|GR)?(N[KORVr]*)?(St|S[abdios]|10__cxxabiv1|9__gnu_cxx)"
    r"|_Z(n[aw]|d[al])"
    r"|__(cxa|gxx)_"
    r"|_Unwind_"
)
_PYTHON = re.compile(r"_?Py[A-Z_]")
_EXTENSION_NAME = re.compile(r"[^.]+\.(cpython-.*|abi3|abi3t)\.so|.*\.pyd")
_INIT = "PyInit_"

# Message for a plug-in without a library.
NO_LIBRARY = "there is no library in the wheel; set `native` of py_plugin_wheel"


def check(elves: dict[str, Elf], expected: Expected) -> Iterator[str]:
    """Yields symbols that are where they must not be, and extensions of another ABI."""
    extensions = {path: elf for path, elf in elves.items() if is_extension(path, elf.exported)}
    if expected.is_plugin:
        yield from _plugin(elves, extensions, expected.policy)
    elif not extensions:
        yield no_extension(expected)
    for path, elf in elves.items():
        # Only the program's own libraries bind to its symbols.
        if not elf.is_program:
            yield from cxx_runtime(path, elf.exported)
        if path not in extensions:
            yield from _unversioned(path, elf)
        if path in extensions and not expected.is_plugin:
            yield from suffix(path, expected)
            yield from exports_of_extension(path, elf.exported)
        else:
            yield from _python(path, elf)


def _plugin(elves: dict[str, Elf], extensions: dict[str, Elf], policy: Policy) -> Iterator[str]:
    """Checks that a plug-in fits every Python, and has no entry but its entry points."""
    for path in extensions:
        yield is_for_one_python(path)
    libraries = {path: elf for path, elf in elves.items() if path not in extensions}
    if not libraries:
        yield NO_LIBRARY
    for path, elf in libraries.items():
        yield from exports_of_plugin(path, elf.exported, policy)


def exports_of_plugin(path: str, exported: list[str], policy: Policy) -> Iterator[str]:
    """Yields problems with the symbols that a plug-in's library exports."""
    yield from entry_point(path, exported, policy)
    more = [name for name in exported if name not in policy.plugin_entry_points]
    if more:
        yield (
            f"{path}: exports {_some(more)} beside "
            f"{' and '.join(policy.plugin_entry_points) or 'nothing'}; "
            "link it with native_library, which exports what it is told to and nothing else"
        )


def entry_point(path: str, exported: Container[str], policy: Policy) -> Iterator[str]:
    """Yields problems that keep a plug-in's library from being loaded."""
    for init in policy.plugin_entry_points[:1]:
        if init not in exported:
            yield (
                f"{path}: does not export {init}, so nothing can load it as a backend; "
                "add it to `exports` of the library"
            )


def is_extension(path: str, exported: Iterable[str]) -> bool:
    """Returns whether a library is an extension module, by its symbols or its name."""
    name = PurePosixPath(path).name
    defines_module = any(symbol.startswith(_INIT) for symbol in exported)
    return defines_module or bool(_EXTENSION_NAME.fullmatch(name))


def _some(names: list[str]) -> str:
    """Returns a few of many names."""
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(sorted(names)[:3]) + rest


def cxx_runtime(path: str, exported: Iterable[str]) -> Iterator[str]:
    """Yields symbols of the C++ runtime that a library exports."""
    leaked = [name for name in exported if _CXX_RUNTIME.match(name)]
    if leaked:
        yield (
            f"{path}: exports {_some(leaked)} of the C++ runtime, which other libraries of the "
            "process would bind to; link with a version script"
        )


def _unversioned(path: str, elf: Elf) -> Iterator[str]:
    # Nothing loads a program, so its symbols need no version.
    if elf.unversioned and not elf.is_program:
        yield (
            f"{path}: exports {_some(elf.unversioned)} without a version, so a library of another "
            "package is taken in its place without a word; link it with native_library"
        )


def _python(path: str, elf: Elf) -> Iterator[str]:
    names = [name for name in elf.undefined if _PYTHON.match(name)]
    if names:
        yield (
            f"{path}: needs {_some(names)} of Python, so it works with one ABI only; "
            "move what uses Python to the extension"
        )


def is_for_one_python(path: str) -> str:
    """Returns the message for an extension module in a plug-in wheel."""
    return (
        f"{path}: is an extension module, but the wheel says it is for every Python; "
        "leave it out, or use py_abi_wheel"
    )


def no_extension(expected: Expected) -> str:
    """Returns the message for a wheel without an extension module."""
    return f"there is no extension module for {expected.abi_tag}; set `extension` of py_abi_wheel"


def suffix(path: str, expected: Expected) -> Iterator[str]:
    """Yields problems with the name of an extension module."""
    stem, _, rest = PurePosixPath(path).name.partition(".")
    found = "." + rest
    if found in (".so", ".pyd"):
        yield (
            f"{path}: has the suffix {found}, with which every CPython would load it, whatever its "
            f"ABI; name it {stem}{expected.ext_suffix}"
        )
    elif found != expected.ext_suffix:
        yield (
            f"{path}: has the suffix {found}, the ABI {expected.abi_tag} of the wheel "
            f"{expected.ext_suffix}; build the extension for that ABI"
        )


def _init(path: str) -> str:
    return _INIT + PurePosixPath(path).name.partition(".")[0]


def init_function(path: str, exported: Container[str]) -> Iterator[str]:
    """Yields problems that keep an extension module from being imported."""
    init = _init(path)
    if init not in exported:
        yield (
            f"{path}: does not export {init}, so importing it fails; "
            "define the module under the name of its file"
        )


def exports_of_extension(path: str, exported: list[str]) -> Iterator[str]:
    """Yields problems with the symbols that an extension module exports."""
    yield from init_function(path, exported)
    init = _init(path)
    more = [name for name in exported if name != init]
    if more:
        yield (
            f"{path}: exports {_some(more)} beside {init}; "
            "link it with py_extension, which exports nothing else"
        )
