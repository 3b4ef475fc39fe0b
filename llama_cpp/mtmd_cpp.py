"""The C API of llama.cpp's multimodal library under its own names, for ctypes.

The declarations are generated from mtmd.h and mtmd-helper.h. A ``llama_model *`` or
``llama_context *`` may be an object of this package, as in :mod:`llama_cpp.llama_cpp`; everything
else is as raw as in C.
"""

from __future__ import annotations

from typing import Any, Optional

from ._capi import mtmd_h
from ._capi.constants import *  # noqa: F403
from ._capi.libraries import library
from ._capi.mtmd_h import *  # noqa: F403
from ._ctypes_extensions import ctypes_function_for_shared_library

_libmtmd = library("mtmd").cdll
ctypes_function = ctypes_function_for_shared_library(_libmtmd)

mtmd_helper_bitmap_init_from_file_wrapper = mtmd_h.mtmd_helper_bitmap_init_from_file
mtmd_helper_bitmap_init_from_buf_wrapper = mtmd_h.mtmd_helper_bitmap_init_from_buf


def mtmd_helper_bitmap_init_from_file(
    ctx: int,
    fname: bytes,
    placeholder: bool,
    opt: Optional[mtmd_h.mtmd_helper_init_opt] = None,
    /,
) -> Optional[int]:
    """Returns the bitmap of an image or audio file, None if it cannot be read."""
    opt = opt or mtmd_h.mtmd_helper_init_opt_default()
    return mtmd_helper_bitmap_init_from_file_wrapper(ctx, fname, placeholder, opt).bitmap


def mtmd_helper_bitmap_init_from_buf(
    ctx: int,
    buf: Any,
    length: int,
    placeholder: bool,
    opt: Optional[mtmd_h.mtmd_helper_init_opt] = None,
    /,
) -> Optional[int]:
    """Returns the bitmap of an image or audio file in memory, None if it cannot be read."""
    opt = opt or mtmd_h.mtmd_helper_init_opt_default()
    return mtmd_helper_bitmap_init_from_buf_wrapper(ctx, buf, length, placeholder, opt).bitmap


def mtmd_get_audio_bitrate(ctx: int, /) -> int:
    """Returns the sample rate in Hz. Deprecated: use mtmd_get_audio_sample_rate()."""
    return mtmd_h.mtmd_get_audio_sample_rate(ctx)


__all__ = [name for name in globals() if name.startswith(("MTMD_", "mtmd_")) and name != "mtmd_h"]
