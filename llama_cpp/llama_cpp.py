"""The low-level names of llama.h that programs use beside :class:`llama_cpp.Llama`.

Constants carry llama.h's names and values. Of the functions only those are here that need no
pointer to a model or context: the library's abilities, logging, and quantisation. As in C,
strings are bytes.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

from . import _core
from ._backends.report import backend_loaded
from ._backends.required import require_ready
from ._engine.constants import *  # noqa: F403
from ._engine.paths import StrPath

_Any = TypeVar("_Any")


def byref(obj: _Any) -> _Any:
    """Returns `obj`: stands where llama-cpp-python's callers write ``byref(params)``."""
    return obj


class llama_model_params(_core.ModelParams):
    """Fields of ``struct llama_model_params``, with llama.cpp's defaults."""


class llama_context_params(_core.ContextParams):
    """Fields of ``struct llama_context_params``, with llama.cpp's defaults."""


class llama_model_quantize_params(_core.QuantizeParams):
    """Fields of ``struct llama_model_quantize_params``, with llama.cpp's defaults.

    ``ftype`` is one of LLAMA_FTYPE_*, ``nthread`` 0 means every hardware thread.
    """


def llama_model_default_params() -> llama_model_params:
    """Returns llama.cpp's default model parameters."""
    return llama_model_params()


def llama_context_default_params() -> llama_context_params:
    """Returns llama.cpp's default context parameters."""
    return llama_context_params()


def llama_model_quantize_default_params() -> llama_model_quantize_params:
    """Returns llama.cpp's default quantisation parameters."""
    return llama_model_quantize_params()


def llama_model_quantize(fname_inp: StrPath, fname_out: StrPath, params: Any, /) -> int:
    """Quantises the GGUF file `fname_inp` into `fname_out`; returns 0.

    Raises LlamaError with llama.cpp's own words when it fails, BackendError when no CPU backend
    could be loaded.
    """
    require_ready()
    _core.quantize(fname_inp, fname_out, params)
    return 0


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


def llama_time_us() -> int:
    """Returns llama.cpp's monotonic clock in microseconds."""
    return _core.time_us()


def llama_max_devices() -> int:
    """Returns how many devices a model can be split over."""
    return _core.max_devices()


def llama_max_parallel_sequences() -> int:
    """Returns how many sequences one context can hold."""
    return _core.max_parallel_sequences()


def llama_supports_mmap() -> bool:
    """Whether model files can be memory-mapped on this system."""
    return _core.supports_mmap()


def llama_supports_mlock() -> bool:
    """Whether model memory can be locked into RAM on this system."""
    return _core.supports_mlock()


def llama_supports_gpu_offload() -> bool:
    """Whether a GPU is registered that layers can be offloaded to."""
    return backend_loaded() and _core.supports_gpu_offload()


def llama_supports_rpc() -> bool:
    """Whether the RPC backend is registered."""
    return backend_loaded() and _core.supports_rpc()


def llama_print_system_info() -> bytes:
    """Returns one line with the features of every registered backend."""
    return _core.system_info().encode() if backend_loaded() else b""


def llama_log_callback(function: Callable[[int, bytes, Any], None]):
    """Marks a function ``(level, text, user_data)`` as a callback for :func:`llama_log_set`.

    ``level`` is ggml.h's: DEBUG 1, INFO 2, WARN 3, ERROR 4; ``text`` is bytes.
    """
    return function


def llama_log_set(
    log_callback: Optional[Callable[[int, bytes, Any], None]], user_data: Any = None, /
) -> None:
    """Sends all of llama.cpp's messages to `log_callback`; None restores the default (stderr).

    The callback sees messages of every level, whatever ``Llama(verbose=...)`` says.
    """
    from . import _logger

    _logger.set_log_callback(log_callback, user_data)


__all__ = [
    name for name in globals() if name.startswith(("LLAMA_", "GGML_", "llama_")) or name == "byref"
]
