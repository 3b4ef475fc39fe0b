"""Running functions at the same time in several threads."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

LONGEST_S = 300.0


def together(*functions: Callable[[], Any]) -> list[Any]:
    """Calls each function in a thread of its own, all at once; returns their results in order.

    Raises the first exception of any of them. A deadlock ends the process with every thread's
    stack.
    """
    start = threading.Barrier(len(functions))
    results: list[Any] = [None] * len(functions)
    errors: list[BaseException] = []

    def call(index: int) -> None:
        try:
            start.wait(LONGEST_S)
            results[index] = functions[index]()
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=call, args=(index,), daemon=True) for index in range(len(functions))
    ]
    for thread in threads:
        thread.start()
    _join(threads)
    if errors:
        raise errors[0]
    return results


def each(values: Iterable[Any], function: Callable[[Any], Any]) -> list[Any]:
    """Calls `function` with each value in a thread of its own; returns the results in order."""
    return together(*(lambda value=value: function(value) for value in values))


def until(done: threading.Event, function: Callable[[], Any]) -> Callable[[], int]:
    """Makes a function that calls `function` again and again until `done`; returns how often."""

    def loop() -> int:
        count = 0
        while not done.is_set():
            function()
            count += 1
        return count

    return loop


def then_set(done: threading.Event, function: Callable[[], Any]) -> Callable[[], Any]:
    """Makes a function that calls `function` and, however that ends, sets `done`."""

    def call() -> Any:
        try:
            return function()
        finally:
            done.set()

    return call


def _join(threads: list[threading.Thread]) -> None:
    deadline = time.monotonic() + LONGEST_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            faulthandler.dump_traceback(file=sys.__stderr__)
            raise TimeoutError(f"the threads did not end within {LONGEST_S:g} s")
