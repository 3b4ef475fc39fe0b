"""Reads upstream's list of CPU variants, which third_party/llama.cpp/cpu_variants.bzl follows."""

from __future__ import annotations

import re
from pathlib import Path

from .changes import Change, differences

_FILE = "ggml/src/CMakeLists.txt"
_VARIANT = re.compile(r"^\s*ggml_add_cpu_backend_variant\((\S+?)((?:\s+\w+)*)\)", re.MULTILINE)


def compare(old: Path, new: Path) -> list[Change]:
    """Returns the CPU variants that differ between two source trees."""
    return differences("CPU variant", _read(old), _read(new))


def _read(tree: Path) -> dict[str, str]:
    path = tree / _FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {name: " ".join(features.split()) for name, features in _VARIANT.findall(text)}
