"""Helpers for ctypes under llama-cpp-python's names."""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path
from typing import Any, Callable, List, Union

from . import _core

byref = ctypes.byref

# For annotations of callers.
CtypesCData = Any
CtypesArray = ctypes.Array
CtypesPointer = Any
CtypesVoidPointer = ctypes.c_void_p
CtypesRef = Any
CtypesPointerOrRef = Any
CtypesFuncPointer = Any


def library_path(name: str) -> str:
    """Returns the file of a native library of this package.

    Args:
        name: upstream's name of the library, such as ``llama`` or ``mtmd``.
    """
    prefix, _, suffix = _core.native_files()["llama"].rpartition("llama.")
    return f"{prefix}{name}.{suffix}"


@functools.lru_cache(maxsize=None)
def own_library(name: str) -> ctypes.CDLL:
    """Returns a native library of this package, by upstream's name, for its declarations."""
    return ctypes.CDLL(library_path(name))


class _Undeclared(ctypes.CDLL):
    """A library of this package for callers with declarations of their own.

    Until they declare a function, it has its result from the headers: as an integer, which is
    ctypes' default, a C `bool` has three undefined bytes (System V ABI for x86-64, 3.2.3).
    """

    def __init__(self, name: str) -> None:
        super().__init__(library_path(name))
        self._declared = own_library(name)

    def __getitem__(self, name: Union[str, int]) -> Any:
        function = super().__getitem__(name)
        declared = vars(self._declared).get(name)
        if declared is not None:
            function.restype = declared.restype
        return function


def load_shared_library(lib_base_name: str, base_path: Union[str, os.PathLike[str]]) -> ctypes.CDLL:
    """Loads a library by its base name, such as ``llama``.

    Args:
        lib_base_name: name without ``lib`` and suffix.
        base_path: directory of the library. In this package's own `lib` directory the files have
            a prefix, so that no other package's llama.cpp is taken for them.

    Raises:
        FileNotFoundError: there is no such library.
    """
    own = Path(library_path(lib_base_name))
    directory = Path(base_path)
    names = [own.name, f"lib{lib_base_name}{own.suffix}", f"{lib_base_name}{own.suffix}"]
    if own.is_file() and directory.is_dir() and directory.samefile(own.parent):
        return _Undeclared(lib_base_name)
    for path in (directory / name for name in names):
        if path.is_file():
            return ctypes.CDLL(str(path))
    raise FileNotFoundError(
        f"Shared library with base name '{lib_base_name}' not found: {directory} has none of"
        f" {', '.join(names)}"
    )


def ctypes_function_for_shared_library(lib: ctypes.CDLL) -> Callable[..., Any]:
    """Returns a decorator that replaces a Python function by the C function of a library.

    The decorator takes the C function's name, the ctypes types of its parameters and of its
    result, and whether to replace at all (`enabled`).
    """

    def ctypes_function(
        name: str, argtypes: List[Any], restype: Any, enabled: bool = True
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorator(function: Callable[..., Any]) -> Callable[..., Any]:
            if not enabled:
                return function
            found = getattr(lib, name)
            found.argtypes = argtypes
            found.restype = restype
            functools.wraps(function)(found)
            return found

        return decorator

    return ctypes_function
