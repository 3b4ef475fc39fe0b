"""The library `engine` (native/engine/engine.h) through ctypes, which leaves the GIL in calls."""

from __future__ import annotations

import ctypes
import functools
from typing import Any, Mapping, Optional, Sequence, Tuple

from .._ctypes_extensions import own_library
from .._errors import ModelLoadError

_P = ctypes.c_void_p
_TEXT = ctypes.c_char_p
_SIZE = ctypes.c_size_t
_INT = ctypes.c_int32

# name -> (result, parameters)
_FUNCTIONS: Mapping[str, Tuple[Any, Sequence[Any]]] = {
    "llama_engine_load": (
        _P,
        (_INT, ctypes.POINTER(_TEXT), ctypes.POINTER(_P), ctypes.POINTER(_P)),
    ),
    "llama_engine_stop": (None, (_P,)),
    "llama_engine_free": (None, (_P,)),
    "llama_engine_free_text": (None, (_P,)),
    "llama_engine_call_new": (_P, (_P, _TEXT)),
    "llama_engine_call_set": (None, (_P, _TEXT, _TEXT)),
    "llama_engine_call_add_file": (None, (_P, _TEXT, _TEXT, _TEXT, _SIZE)),
    "llama_engine_call_run": (_INT, (_P, _TEXT, _SIZE)),
    "llama_engine_call_is_stream": (_INT, (_P,)),
    "llama_engine_call_content_type": (_TEXT, (_P,)),
    "llama_engine_call_next": (_INT, (_P, ctypes.POINTER(_P), ctypes.POINTER(_SIZE))),
    "llama_engine_call_cancel": (None, (_P,)),
    "llama_engine_call_free": (None, (_P,)),
}


@functools.lru_cache(maxsize=None)
def _library() -> ctypes.CDLL:
    library = own_library("engine")
    for name, (result, parameters) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = parameters
    return library


def load(options: Sequence[str], devices: Sequence[int] = ()) -> int:
    """Loads a model; returns the engine's address.

    Args:
        options: those of llama-server's command line.
        devices: those to use (_core.device_addresses()); default as the options say.

    Raises:
        ModelLoadError: an option is wrong, or the model cannot be loaded.
    """
    library = _library()
    texts = (_TEXT * len(options))(*(option.encode() for option in options))
    reason = _P()
    chosen = (_P * (len(devices) + 1))(*devices)
    engine = library.llama_engine_load(len(options), texts, chosen, ctypes.byref(reason))
    if engine:
        return engine
    text = ctypes.cast(reason, _TEXT).value or b""
    library.llama_engine_free_text(reason)
    raise ModelLoadError(_shortened(text.decode("utf-8", "replace")))


def _shortened(text: str) -> str:
    """Returns the cause, and the last of llama.cpp's messages."""
    what, *lines = (line.strip() for line in text.splitlines() if line.strip())
    return "\n".join([f"llama.cpp's engine did not start: {what}", *lines[-3:]])


def stop(engine: int) -> None:
    """Ends an engine's loop and frees it. All of its calls have to be freed before."""
    _library().llama_engine_stop(engine)
    _library().llama_engine_free(engine)


class Call:
    """A request to an engine. One thread runs it; any may cancel it before free()."""

    def __init__(self, engine: int, route: str) -> None:
        """KeyError if there is no such route, such as "POST /tokenize"."""
        self._library = _library()
        self._call: Optional[int] = self._library.llama_engine_call_new(engine, route.encode())
        if not self._call:
            raise KeyError(route)

    def set(self, name: str, value: str) -> None:
        """Sets a parameter of the path or the query."""
        self._library.llama_engine_call_set(self._call, name.encode(), value.encode())

    def add_file(self, name: str, filename: str, data: bytes) -> None:
        """Adds a file of a form."""
        self._library.llama_engine_call_add_file(
            self._call, name.encode(), filename.encode(), data, len(data)
        )

    def run(self, body: bytes) -> int:
        """Waits for the answer, or its first piece; returns the HTTP status, 0 if cancelled."""
        return self._library.llama_engine_call_run(self._call, body, len(body))

    @property
    def is_stream(self) -> bool:
        return bool(self._library.llama_engine_call_is_stream(self._call))

    @property
    def content_type(self) -> str:
        return self._library.llama_engine_call_content_type(self._call).decode()

    def next(self) -> Optional[bytes]:
        """Waits for the next piece of the answer; None after the last one."""
        data, size = _P(), _SIZE()
        more = self._library.llama_engine_call_next(
            self._call, ctypes.byref(data), ctypes.byref(size)
        )
        return ctypes.string_at(data, size.value) if more else None

    def cancel(self) -> None:
        """Has run() or next() end soon."""
        self._library.llama_engine_call_cancel(self._call)

    def free(self) -> None:
        """Frees the call and its slot."""
        call, self._call = self._call, None
        self._library.llama_engine_call_free(call)
