"""The error that ends the program with a message, and the command to type next."""

from __future__ import annotations


class BumpError(Exception):
    """A bump can't go on.

    Attributes:
        command: The command to type next, or empty.
    """

    def __init__(self, cause: str, command: str = "") -> None:
        super().__init__(cause)
        self.command = command

    def __str__(self) -> str:
        cause = super().__str__()
        return f"{cause}\n  {self.command}" if self.command else cause
