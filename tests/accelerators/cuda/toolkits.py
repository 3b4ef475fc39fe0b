"""Toolkits of empty files: enough to be analysed with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_CUDA = [
    "bin/nvcc",
    "include/crt/math_functions.h",
    "include/crt/math_functions.hpp",
    "include/cuda.h",
    "lib64/libcudart_static.a",
    "nvvm/bin/cicc",
]
_LIBRARIES = ["cublas", "cublasLt", "cudart"]


def make_files(folder: Path, names: Iterable[str]) -> Path:
    """Makes empty executable files below a directory; returns the directory."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o755)
    return folder


def make_toolkit(folder: Path, major: int = 13) -> Path:
    """Makes a CUDA toolkit of a major version; returns its directory."""
    libraries = [f"lib64/lib{name}.so.{major}" for name in _LIBRARIES]
    return make_files(folder, [*_CUDA, *libraries])
