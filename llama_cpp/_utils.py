"""Small helpers that llama-cpp-python's users import by name."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Dict, Iterator

__all__ = ["MetaSingleton", "Singleton", "suppress_stdout_stderr"]


@contextmanager
def suppress_stdout_stderr(disable: bool = True) -> Iterator[None]:
    """Silences ``sys.stdout`` and ``sys.stderr`` for a block; ``disable=True`` does nothing.

    Only the two Python objects are replaced: the process's file descriptors belong to everybody.
    llama.cpp's own messages are switched with ``Llama(verbose=...)``.
    """
    if disable:
        yield
        return
    with open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null):
        yield


class MetaSingleton(type):
    """Metaclass whose classes have one instance each."""

    _instances: Dict[type, Any] = {}
    _lock = threading.RLock()

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        with MetaSingleton._lock:
            if cls not in MetaSingleton._instances:
                MetaSingleton._instances[cls] = super().__call__(*args, **kwargs)
            return MetaSingleton._instances[cls]


class Singleton(metaclass=MetaSingleton):
    """A class with one instance."""
