"""Decisions of a target, read from the bytes of a fuzzer.

They are read here and not by Atheris, so that the corpus needs no fuzzer and keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")

# Ends of the integer types of C, and their neighbours.
_ENDS = sorted(
    {sign * 2**bits + more for bits in (7, 8, 15, 16, 31, 32, 63) for sign in (1, -1)
     for more in (-1, 0, 1)}
)  # fmt: skip
_LONG = 255


class Choices:
    """A reader of bytes; when they are used up, every number is 0 and all data are empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def __bool__(self) -> bool:
        """Returns whether bytes are left."""
        return self._position < len(self._data)

    def bytes(self, count: int) -> bytes:
        """Returns the next `count` bytes, fewer at the end."""
        begin = self._position
        self._position = min(begin + count, len(self._data))
        return self._data[begin : self._position]

    def below(self, limit: int) -> int:
        """Returns a number from 0 to `limit` - 1."""
        size = ((limit - 1).bit_length() + 7) // 8
        return int.from_bytes(self.bytes(size), "little") % limit

    def flag(self) -> bool:
        """Returns True or False."""
        return self.below(2) == 1

    def pick(self, items: Sequence[_T]) -> _T:
        """Returns one of the items."""
        return items[self.below(len(items))]

    def number(self) -> int:
        """Returns a small number, one near the end of a type, or any of 64 bits with sign."""
        kind = self.below(8)
        if kind < 4:
            return self.below(256) - 16
        if kind < 6:
            return self.pick(_ENDS)
        return int.from_bytes(self.bytes(8), "little", signed=True)

    def data(self) -> bytes:
        """Returns bytes whose number stands before them."""
        size = self.below(256)
        return self.bytes(self.below(2**16) if size == _LONG else size)

    def text(self) -> str:
        """Returns data as text; bytes that are no UTF-8 are lone surrogates."""
        return self.data().decode("utf-8", "surrogateescape")
