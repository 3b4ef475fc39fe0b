"""Small helpers that llama-cpp-python's users import by name."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import Any, Dict

__all__ = [
    "MetaSingleton",
    "STDERR_FILENO",
    "STDOUT_FILENO",
    "Singleton",
    "suppress_stdout_stderr",
]

STDOUT_FILENO = 1
STDERR_FILENO = 2


def __getattr__(name: str) -> Any:
    """Opens the files that llama-cpp-python sends output to when it is suppressed."""
    if name not in ("outnull_file", "errnull_file"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = open(os.devnull, "w")
    return globals()[name]


class suppress_stdout_stderr:
    """Silences ``sys.stdout`` and ``sys.stderr`` for a block; ``disable=True`` does nothing.

    Only the two Python objects are replaced: the process's file descriptors belong to everybody.
    llama.cpp's own messages are switched with ``Llama(verbose=...)``.
    """

    def __init__(self, disable: bool = True):
        self.disable = disable
        self._redirected = ExitStack()

    def __enter__(self) -> suppress_stdout_stderr:
        if not self.disable:
            null = self._redirected.enter_context(open(os.devnull, "w"))
            self._redirected.enter_context(redirect_stdout(null))
            self._redirected.enter_context(redirect_stderr(null))
        return self

    def __exit__(self, *error: Any) -> None:
        self._redirected.close()


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

    def __init__(self) -> None:
        super().__init__()
