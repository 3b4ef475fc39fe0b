"""Importance matrices: how much each column of a weight counts, measured by llama-imatrix."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Dict, Iterator, Tuple

from .._capi import gguf_h
from .._capi.constants import GGML_TYPE_F32
from .._errors import ModelLoadError
from .._numpy import np, npt
from . import paths

Imatrix = Dict[str, npt.NDArray[np.float32]]

_SUMS, _COUNTS = ".in_sum2", ".counts"  # llama.cpp's common/imatrix-loader.cpp


def read_imatrix(path: paths.StrPath) -> Imatrix:
    """Returns the importance of the columns of each tensor in a file of llama-imatrix.

    That is the mean of the squares of the activations, and 1 for experts that saw none.

    Raises:
        ModelLoadError: the file is missing, or no importance matrix in GGUF format.
    """
    tensors = dict(_tensors(path))
    found = {}
    for name, sums in tensors.items():
        if not name.endswith(_SUMS):
            continue
        tensor = name[: -len(_SUMS)]
        counts = tensors.get(tensor + _COUNTS)
        if counts is None or not len(counts) or len(sums) % len(counts):
            raise _refused(path, f"the counts of {tensor!r} do not fit its sums")
        rows, counts = sums.reshape(len(counts), -1), np.rint(counts)[:, None]
        means = np.divide(rows, counts, out=np.ones_like(rows), where=counts > 0)
        found[tensor] = means.ravel()
    if not found:
        raise _refused(path, f"no tensor's name ends with {_SUMS}")
    return found


def _tensors(path: paths.StrPath) -> Iterator[Tuple[str, npt.NDArray[np.float32]]]:
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise _refused(path, str(error.strerror)) from None
    file = None
    if magic == b"GGUF":
        header = gguf_h.gguf_init_params(no_alloc=True, ctx=None)
        file = gguf_h.gguf_init_from_file(os.fsencode(path), header)
    if not file:
        raise _refused(path, "it is no file in GGUF format")
    try:
        begin = gguf_h.gguf_get_data_offset(file)
        for index in range(gguf_h.gguf_get_n_tensors(file)):
            name = gguf_h.gguf_get_tensor_name(file, index).decode("utf-8", "replace")
            if gguf_h.gguf_get_tensor_type(file, index) != GGML_TYPE_F32:
                raise _refused(path, f"the tensor {name!r} is not of float32 numbers")
            offset = begin + gguf_h.gguf_get_tensor_offset(file, index)
            size = gguf_h.gguf_get_tensor_size(file, index)
            yield name, _numbers(path, offset, size)
    finally:
        gguf_h.gguf_free(file)


def _numbers(path: paths.StrPath, offset: int, size: int) -> npt.NDArray[np.float32]:
    count = size // ctypes.sizeof(ctypes.c_float)
    if offset + size > os.path.getsize(path):
        raise _refused(path, "it is cut short")
    return np.fromfile(path, np.float32, count, offset=offset)


def _refused(path: Any, reason: str) -> ModelLoadError:
    return ModelLoadError(
        f"Failed to load importance matrix from file: {paths.shown(path)}: {reason}\n"
        "llama.cpp's llama-imatrix makes one; give it --output-format gguf."
    )
