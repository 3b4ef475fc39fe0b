"""The error that ends the program with a message, and the command to type next."""

from __future__ import annotations


class LockError(Exception):
    """An environment can't be locked."""

    def __init__(self, cause: str, command: str) -> None:
        super().__init__(f"{cause}\n  {command}")
