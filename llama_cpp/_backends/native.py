"""Imports the native module."""

from __future__ import annotations

import os
import sys


def _import_core():
    """Imports the native module; its symbols stay out of the global scope.

    If the program has set the dlopen flag RTLD_GLOBAL, other packages' llama.cpp would take them
    there, as ours would take theirs.
    """
    flags = sys.getdlopenflags() if hasattr(sys, "getdlopenflags") else None
    if flags is not None:
        sys.setdlopenflags(flags & ~os.RTLD_GLOBAL)
    try:
        from .. import _core
    except ImportError as error:
        from .foreign import explain

        raise explain(error) from None
    finally:
        if flags is not None:
            sys.setdlopenflags(flags)
    return _core


_core = _import_core()

# Beside the native module, which is not beside this file in an editable installation.
LIB_DIR = os.path.join(os.path.dirname(os.path.abspath(_core.__file__)), "lib")
