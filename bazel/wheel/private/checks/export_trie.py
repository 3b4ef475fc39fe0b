"""The tree of a Mach-O file's exports. Source: mach-o/loader.h and Apple's dyld, MachOAnalyzer."""

from __future__ import annotations

from collections.abc import Iterator

_BITS = 64
_LONGEST_NAME = 1 << 16  # so that a small tree is a small list


def names(trie: bytes) -> Iterator[str]:
    """Yields exported symbols in the linker's spelling; ValueError if the tree is broken."""
    seen: set[int] = set()
    waiting = [(0, b"")] if trie else []
    while waiting:
        position, prefix = waiting.pop()
        if position in seen:
            raise ValueError("its list of exported symbols meets itself")
        seen.add(position)
        if len(prefix) > _LONGEST_NAME:
            raise ValueError("its list of exported symbols has a name that no symbol has")
        size, position = _number(trie, position)
        if size:
            yield prefix.decode()
        waiting += [(child, prefix + edge) for edge, child in _children(trie, position + size)]


def _children(trie: bytes, position: int) -> Iterator[tuple[bytes, int]]:
    """Yields the continuations of the node's prefix, and their positions."""
    count = _byte(trie, position)
    position += 1
    for _ in range(count):
        end = trie.find(b"\0", position)
        if end < 0:
            raise ValueError("its list of exported symbols ends in the middle of a name")
        edge = trie[position:end]
        child, position = _number(trie, end + 1)
        yield edge, child


def _number(trie: bytes, position: int) -> tuple[int, int]:
    """Returns a ULEB128 number, and the position after it."""
    number, shift = 0, 0
    while True:
        byte = _byte(trie, position)
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
        if shift > _BITS:
            raise ValueError("its list of exported symbols has a number of more than 64 bits")


def _byte(trie: bytes, position: int) -> int:
    if position >= len(trie):
        raise ValueError("its list of exported symbols is cut off")
    return trie[position]
