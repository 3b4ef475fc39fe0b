"""The symbols of a COFF object file. Source: Microsoft's PE format, `COFF File Header (Object)`."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_HEADER = struct.Struct("<HHIIIHH")
# Of files with more sections than 16 bits count (ANON_OBJECT_HEADER_BIGOBJ of winnt.h).
_BIG_HEADER = struct.Struct("<HHHHI16sIIIIIII")
_SYMBOL = struct.Struct("<8sIhHBB")
_BIG_SYMBOL = struct.Struct("<8sIiHBB")
_EXTERNAL = 2  # IMAGE_SYM_CLASS_EXTERNAL


class Symbol(NamedTuple):
    """An external symbol.

    Attributes:
        name: As the linker spells it.
        is_defined: Whether this file has it, be it as a common block.
    """

    name: str
    is_defined: bool


def symbols(data: bytes) -> Iterator[Symbol]:
    """Yields the external symbols of an object file; struct.error if it is cut short."""
    machine, sections = struct.unpack_from("<HH", data)
    if machine == 0 and sections == 0xFFFF:
        *_, position, count = _BIG_HEADER.unpack_from(data)
        layout = _BIG_SYMBOL
    else:
        _, _, _, position, count, _, _ = _HEADER.unpack_from(data)
        layout = _SYMBOL
    strings = position + count * layout.size
    index = 0
    while index < count:
        name, value, section, _, storage, more = layout.unpack_from(
            data, position + index * layout.size
        )
        if storage == _EXTERNAL:
            yield Symbol(_text(data, strings, name), section != 0 or value != 0)
        index += 1 + more


def _text(data: bytes, strings: int, name: bytes) -> str:
    """Returns a name, which stands in the string table if it is longer than its field."""
    if name[:4] == b"\0\0\0\0":
        start = strings + struct.unpack_from("<I", name, 4)[0]
        return data[start : data.index(b"\0", start)].decode()
    return name.rstrip(b"\0").decode()
