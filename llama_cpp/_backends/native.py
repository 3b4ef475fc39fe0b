"""Imports the native module."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import Iterator


def _import_core():
    """Imports the native module; its libraries are those of this package."""
    try:
        with _out_of_global_scope(), _library_directory():
            from .. import _core
    except ImportError as error:
        from .foreign import explain

        raise explain(error) from None
    return _core


@contextmanager
def _out_of_global_scope() -> Iterator[None]:
    """Keeps the module's symbols out of the global scope.

    If the program has set the dlopen flag RTLD_GLOBAL, other packages' llama.cpp would take them
    there, as ours would take theirs.
    """
    if not hasattr(sys, "getdlopenflags"):
        yield
        return
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags & ~os.RTLD_GLOBAL)
    try:
        yield
    finally:
        sys.setdlopenflags(flags)


@contextmanager
def _library_directory() -> Iterator[None]:
    """Lets Windows find the module's libraries, in their directory alone and never by PATH.

    Other systems have the directory in the module itself.
    """
    if not hasattr(os, "add_dll_directory"):
        yield
        return
    from importlib.util import find_spec

    spec = find_spec("llama_cpp._core")
    directory = os.path.join(os.path.dirname(spec.origin), "lib") if spec and spec.origin else ""
    if not os.path.isdir(directory):
        yield
        return
    with os.add_dll_directory(directory):
        yield


_core = _import_core()

# Beside the native module, which is not beside this file in an editable installation.
LIB_DIR = os.path.join(os.path.dirname(os.path.abspath(_core.__file__)), "lib")
