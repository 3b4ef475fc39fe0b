"""The C API of llama.cpp under its own names: functions, structs and constants for ctypes.

The declarations are generated from llama.h and gguf.h. As in C, texts are bytes, structs are passed
by value or with byref(), and a pointer to a struct without declared members is an address.

``Llama.model``, ``Llama.ctx``, ``Llama._model`` and ``Llama._ctx`` stand for such a pointer. A
function that gets one of them keeps it alive, checks token ids, and raises ClosedError after
close(). An array of ctypes, and bytes, may not be shorter than the size that is passed with it.
Everything else is as raw as in C: a wrong address ends the process. The functions below are written
here; they check their arguments.
"""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional

from . import _core
from ._backends.libraries import rpc_library
from ._backends.native import LIB_DIR
from ._backends.report import backend_loaded
from ._backends.required import require_ready
from ._capi import llama_h
from ._capi.arguments import Vocab, owner
from ._capi.constants import *  # noqa: F403
from ._capi.former_names import *  # noqa: F403
from ._capi.gguf_h import *  # noqa: F403
from ._capi.libraries import library
from ._capi.llama_h import *  # noqa: F403
from ._ctypes_extensions import (  # noqa: F401  some are for callers alone
    byref,
    ctypes_function_for_shared_library,
    load_shared_library,
)
from ._engine.paths import StrPath

LLAMA_MAX_DEVICES = _core.max_devices()

llama_log_callback = llama_h.ggml_log_callback

_lib_base_name = "llama"
_base_path = LIB_DIR
_lib = library("llama").cdll
ctypes_function = ctypes_function_for_shared_library(_lib)


def llama_backend_init() -> None:
    """Initialises llama.cpp. Not needed: importing llama_cpp did it."""
    require_ready()
    _core.backend_init()


def llama_backend_free() -> None:
    """Does nothing: the backends live as long as the process."""


def llama_numa_init(numa: int, /) -> None:
    """Sets the NUMA strategy, one of GGML_NUMA_STRATEGY_*."""
    require_ready()
    _core.numa_init(numa)


def llama_supports_gpu_offload() -> bool:
    """Whether a GPU is registered that layers can be offloaded to."""
    return backend_loaded() and _core.supports_gpu_offload()


def llama_supports_rpc() -> bool:
    """Whether layers can be on other machines: this installation has the RPC backend."""
    return backend_loaded() and bool(rpc_library())


def llama_print_system_info() -> bytes:
    """Returns one line with the features of every registered backend."""
    return _core.system_info().encode() if backend_loaded() else b""


def llama_model_load_from_file(
    path_model: bytes, params: llama_h.llama_model_params, /
) -> Optional[int]:
    """Loads a model; see llama.h. Returns its address, None if llama.cpp cannot load it.

    Raises:
        BackendError: no CPU backend could be loaded when llama_cpp was imported.
    """
    require_ready()
    return llama_h.llama_model_load_from_file(path_model, params)


def llama_model_get_vocab(model: Any, /) -> Optional[int]:
    """Returns the address of a model's vocabulary.

    That of a model of this package remembers its model: functions that get it check token ids, and
    raise ClosedError after the model's close().
    """
    found = owner(model)
    if isinstance(found, _core.Model):
        return Vocab(found)
    return llama_h.llama_model_get_vocab(model)


def llama_model_free(model: Any, /) -> None:
    """Frees a model. One of this package is closed."""
    _free(model, llama_h.llama_model_free)


def llama_free(ctx: Any, /) -> None:
    """Frees a context. One of this package is closed."""
    _free(ctx, llama_h.llama_free)


def llama_free_model(model: Any, /) -> None:
    """Frees a model. Deprecated: use llama_model_free()."""
    llama_model_free(model)


def _free(value: Any, free: Callable[[Any], None]) -> None:
    found = owner(value)
    if found is not None:
        found.close()
    elif value is not None:
        free(value)


def llama_model_quantize(fname_inp: StrPath, fname_out: StrPath, params: Any, /) -> int:
    """Quantises the GGUF file `fname_inp` into `fname_out`; returns 0.

    Args:
        fname_inp: the model file.
        fname_out: the file to write.
        params: a llama_model_quantize_params, or byref() of one.

    Raises:
        LlamaError: with llama.cpp's own words when it fails.
        BackendError: no CPU backend could be loaded.
    """
    require_ready()
    struct = getattr(params, "_obj", params)
    _core.quantize(fname_inp, fname_out, ctypes.addressof(struct))
    return 0


def llama_log_set(
    log_callback: Optional[Callable[[int, bytes, Any], None]], user_data: Any = None, /
) -> None:
    """Sends all of llama.cpp's messages to `log_callback`; None restores the default (stderr).

    The callback sees messages of every level, whatever ``Llama(verbose=...)`` says. Its arguments
    are the level of ggml.h (DEBUG 1, INFO 2, WARN 3, ERROR 4), the text as bytes, and `user_data`.
    """
    from . import _logger

    _logger.set_log_callback(log_callback or None, user_data)


def llama_set_adapter_lora(ctx: Any, adapter: int, scale: float, /) -> int:
    """Applies one LoRA adapter. Deprecated: use llama_set_adapters_lora()."""
    return llama_h.llama_set_adapters_lora(
        ctx, (ctypes.c_void_p * 1)(adapter), 1, (ctypes.c_float * 1)(scale)
    )


def llama_apply_adapter_cvec(
    ctx: Any, data: Any, len: int, n_embd: int, il_start: int, il_end: int, /
) -> int:
    """Applies a control vector. Deprecated: use llama_set_adapter_cvec()."""
    return llama_h.llama_set_adapter_cvec(ctx, data, len, n_embd, il_start, il_end)


_PREFIXES = ("LLAMA_", "GGML_", "GGUF_", "llama_", "ggml_", "gguf_")
_MODULES = ("gguf_h", "llama_h")
_HELPERS = (
    "byref",
    "ctypes_function",
    "ctypes_function_for_shared_library",
    "load_shared_library",
)
__all__ = [
    name
    for name in globals()
    if name in _HELPERS or (name.startswith(_PREFIXES) and name not in _MODULES)
]
