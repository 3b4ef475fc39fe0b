"""Toolkits of empty files: enough to be analysed with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_CUDA = [
    "bin/nvcc",
    "include/cuda.h",
    "lib64/libcublas.so.13",
    "lib64/libcublasLt.so.13",
    "lib64/libcudart.so.13",
    "lib64/libcudart_static.a",
    "nvvm/bin/cicc",
]


def make_files(folder: Path, names: Iterable[str]) -> Path:
    """Makes empty executable files below a directory; returns the directory."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o755)
    return folder


def make_toolkit(folder: Path) -> Path:
    """Makes a CUDA toolkit; returns its directory."""
    return make_files(folder, _CUDA)
