"""A CUDA toolkit of empty files: enough to be analysed with."""

from __future__ import annotations

from pathlib import Path

_FILES = [
    "bin/nvcc",
    "include/cuda.h",
    "lib64/libcublas.so.13",
    "lib64/libcublasLt.so.13",
    "lib64/libcudart.so.13",
    "lib64/libcudart_static.a",
    "nvvm/bin/cicc",
]


def make_toolkit(folder: Path) -> Path:
    """Makes the files below a directory, executable ones; returns the directory."""
    for name in _FILES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(0o755)
    return folder
