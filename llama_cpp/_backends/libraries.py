"""Finds the backends' libraries in the package's lib directory."""

from __future__ import annotations

import os
import re

from .native import LIB_DIR
from .report import SINGLE_CPU

_LIBRARY = re.compile(r"^(?:lib)?ggml-(?P<name>.+)\.(?:so|dll)$")
_CPU = re.compile(r"^cpu(?:-(?P<variant>.+))?$")


def cpu_variants() -> dict[str, str]:
    """Returns the CPU variants of this installation: name -> file."""
    return libraries()[0]


def libraries() -> tuple[dict[str, str], dict[str, str]]:
    """Returns the CPU variants and the accelerators' backends, each name -> file."""
    cpu, accelerators = {}, {}
    try:
        files = sorted(os.listdir(LIB_DIR))
    except OSError:
        files = []
    for file in files:
        match = _LIBRARY.match(file)
        if not match or match["name"] == "base":
            continue
        path = os.path.join(LIB_DIR, file)
        is_cpu = _CPU.match(match["name"])
        if is_cpu:
            cpu[is_cpu["variant"] or SINGLE_CPU] = path
        else:
            accelerators[match["name"]] = path
    return cpu, accelerators
