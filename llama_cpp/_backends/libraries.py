"""Finds the backends' libraries in the package's lib directory."""

from __future__ import annotations

import os
import re

from .native import LIB_DIR
from .report import SINGLE_CPU

_LIBRARY = re.compile(r"^(?:lib)?ggml-(?P<name>.+)\.(?:so|dll)$")
_RPC = "rpc"  # opened when it is asked for, by remote.py
_CPU = re.compile(r"^cpu(?:-(?P<variant>.+))?$")


def rpc_library() -> str:
    """Returns the file of the RPC backend; "" if this installation has none."""
    return _all_libraries().get(_RPC, "")


def cpu_variants() -> dict[str, str]:
    """Returns the CPU variants of this installation: name -> file."""
    return libraries()[0]


def libraries() -> tuple[dict[str, str], dict[str, str]]:
    """Returns the CPU variants and the accelerators' backends, each name -> file."""
    cpu, accelerators = {}, {}
    for name, path in _all_libraries().items():
        is_cpu = _CPU.match(name)
        if is_cpu:
            cpu[is_cpu["variant"] or SINGLE_CPU] = path
        elif name not in ("base", _RPC):
            accelerators[name] = path
    return cpu, accelerators


def _all_libraries() -> dict[str, str]:
    """Returns ggml's name -> file."""
    try:
        files = sorted(os.listdir(LIB_DIR))
    except OSError:
        return {}
    matches = ((_LIBRARY.match(file), os.path.join(LIB_DIR, file)) for file in files)
    return {match["name"]: path for match, path in matches if match}
