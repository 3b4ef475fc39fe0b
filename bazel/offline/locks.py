"""Keeps processes that share a directory out of each other's way."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from steps import say


@contextlib.contextmanager
def locked(lock: Path, holder: str) -> Iterator[None]:
    """Holds a lock file, which other processes wait for.

    Args:
        lock: the file; it stays.
        holder: description of a process that holds the lock and of its work.
    """
    with open(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another {holder}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
