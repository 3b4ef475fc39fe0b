"""Symbols: the extension's name and exports, libraries that are free of Python, a C++ runtime that stays inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from . import policy
from .elf import Elf
from .wheel import Expected

# Names of the C++ runtime (Itanium C++ ABI): the standard library's, those of the compiler, the unwinder's.
_CXX_RUNTIME = re.compile(
    r"_Z(T[CISTV]|GV|GR)?(N[KORVr]*)?(St|S[abdios]|10__cxxabiv1|9__gnu_cxx)"
    r"|_Z(n[aw]|d[al])"
    r"|__(cxa|gxx)_"
    r"|_Unwind_"
)
_PYTHON = re.compile(r"_?Py[A-Z_]")
_EXTENSION_NAME = re.compile(r"[^.]+\.(cpython-.*|abi3|abi3t)\.so")
_INIT = "PyInit_"


def check(elves: dict[str, Elf], expected: Expected) -> Iterator[str]:
    """Yields symbols that are where they must not be, and extensions of another ABI."""
    extensions = {path: elf for path, elf in elves.items() if _is_extension(path, elf)}
    if expected.is_plugin:
        yield from _plugin(elves, extensions)
    elif not extensions:
        yield f"there is no extension module for {expected.abi_tag}; set `extension` of py_abi_wheel"
    for path, elf in elves.items():
        yield from _cxx_runtime(path, elf)
        if path in extensions and not expected.is_plugin:
            yield from _suffix(path, expected)
            yield from _exports(path, elf)
        else:
            yield from _python(path, elf)


def _plugin(elves: dict[str, Elf], extensions: dict[str, Elf]) -> Iterator[str]:
    """A plug-in is for every Python, and is entered by its entry points alone."""
    for path in extensions:
        yield f"{path}: is an extension module, but the wheel says it is for every Python; leave it out, or use py_abi_wheel"
    init = policy.PLUGIN_ENTRY_POINTS[0]
    libraries = {path: elf for path, elf in elves.items() if path not in extensions}
    if not libraries:
        yield policy.NO_LIBRARY
    for path, elf in libraries.items():
        if init not in elf.exported:
            yield f"{path}: does not export {init}, so nothing can load it as a backend; add it to `exports` of the library"
        more = [name for name in elf.exported if name not in policy.PLUGIN_ENTRY_POINTS]
        if more:
            yield (
                f"{path}: exports {_some(more)} beside {' and '.join(policy.PLUGIN_ENTRY_POINTS)}; "
                "link it with native_library, which exports what it is told to and nothing else"
            )


def _is_extension(path: str, elf: Elf) -> bool:
    name = PurePosixPath(path).name
    defines_module = any(symbol.startswith(_INIT) for symbol in elf.exported)
    return defines_module or bool(_EXTENSION_NAME.fullmatch(name))


def _some(names: list[str]) -> str:
    """A few of many names."""
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(sorted(names)[:3]) + rest


def _cxx_runtime(path: str, elf: Elf) -> Iterator[str]:
    leaked = [name for name in elf.exported if _CXX_RUNTIME.match(name)]
    # What a program defines, nothing binds to but the program's own libraries.
    if leaked and not elf.is_program:
        yield (
            f"{path}: exports {_some(leaked)} of the C++ runtime, which other libraries of the process would bind to; "
            "link with a version script"
        )


def _python(path: str, elf: Elf) -> Iterator[str]:
    names = [name for name in elf.undefined if _PYTHON.match(name)]
    if names:
        yield (
            f"{path}: needs {_some(names)} of Python, so it works with one ABI only; "
            "move what uses Python to the extension"
        )


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
