"""Generators that several threads may hold.

Python's own must not be resumed by two threads at once: with the GIL that is a ValueError, without
it the interpreter may crash.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from types import GeneratorType, TracebackType
from typing import Any, Callable, Optional, Type, Union

from .._errors import BusyError


class SharedGenerator(Generator):
    """Runs a generator for one thread at a time; another one meanwhile gets BusyError."""

    __slots__ = ("_generator", "_lock")

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._lock = threading.Lock()

    def __next__(self) -> Any:
        # Written out: this runs once per token.
        if not self._lock.acquire(False):
            raise _busy()
        try:
            return next(self._generator)
        finally:
            self._lock.release()

    def send(self, value: Any) -> Any:
        return self._run(self._generator.send, value)

    def throw(
        self,
        typ: Union[BaseException, Type[BaseException]],
        val: Any = None,
        tb: Optional[TracebackType] = None,
    ) -> Any:
        arguments = (typ,) if val is None and tb is None else (typ, val, tb)
        return self._run(self._generator.throw, *arguments)

    def close(self) -> None:
        self._run(self._generator.close)

    def _run(self, method: Callable[..., Any], *arguments: Any) -> Any:
        if not self._lock.acquire(False):
            raise _busy()
        try:
            return method(*arguments)
        finally:
            self._lock.release()


def share(result: Any) -> Any:
    """Returns `result`, made safe to hold in several threads if it is a generator."""
    return SharedGenerator(result) if isinstance(result, GeneratorType) else result


def _busy() -> BusyError:
    return BusyError(
        "This stream is being read by another thread: read it in one thread, or put a lock around"
        " next()"
    )
