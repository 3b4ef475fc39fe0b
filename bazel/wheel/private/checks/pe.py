"""A PE file's facts for Windows's loader. Source: Microsoft's PE format."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator, Mapping

MAGIC = b"MZ"

_OPTIONAL_MAGIC = 0x20B  # PE32+
_IS_DLL = 0x2000
# Entries of the data directory.
_EXPORTS, _IMPORTS, _DEBUG, _DELAYED_IMPORTS = 0, 1, 6, 13
_CODEVIEW = 2  # kind of debug data that names a file with symbols
_SECTION = struct.Struct("<8sIIII16x")
_IMPORT = struct.Struct("<IIIII")
_DELAYED_IMPORT = struct.Struct("<IIIIIIII")
_MOST = 1 << 16  # entries of a table, as many as ordinals have numbers
_LONGEST_NAME = 4096  # bytes, the longest that Microsoft's linker takes


class UnreadablePe(Exception):
    """The file cannot be read; the message says why."""


@dataclasses.dataclass(frozen=True)
class Pe:
    """The headers and tables of a DLL or program.

    Attributes:
        machine: Machine of the file header.
        is_dll: Whether it is a DLL.
        timestamp: Time of the file header, in seconds since 1970, or a number in its place.
        flags: DllCharacteristics.
        name: Name in the export table; empty without one.
        exported: Names that others may import.
        imported: DLL in lower case -> names of its symbols; `#7` is its seventh without a name.
        symbol_file: Path of the file with symbols for a debugger; empty without one.
    """

    machine: int
    is_dll: bool
    timestamp: int
    flags: int
    name: str
    exported: list[str]
    imported: Mapping[str, list[str]]
    symbol_file: str


def read(data: bytes) -> Pe:
    """Reads a PE file of 64 bits. Raises UnreadablePe."""
    try:
        return _Reader(data).read()
    except (struct.error, UnicodeDecodeError, ValueError, IndexError) as error:
        raise UnreadablePe(str(error) or type(error).__name__) from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        (start,) = struct.unpack_from("<I", data, 0x3C)
        if data[start : start + 4] != b"PE\0\0":
            raise ValueError("it has no PE header")
        header = struct.unpack_from("<HHIIIHH", data, start + 4)
        self._machine, sections, self._timestamp, _, _, size, self._characteristics = header
        optional = start + 24
        magic, self._flags, directories = (
            struct.unpack_from(layout, data, optional + offset)[0]
            for layout, offset in (("<H", 0), ("<H", 70), ("<I", 108))
        )
        if magic != _OPTIONAL_MAGIC:
            raise ValueError("it is not of 64 bits")
        self._directories = [
            struct.unpack_from("<II", data, optional + 112 + 8 * index)
            for index in range(min(directories, 16))
        ]
        self._sections = [
            _SECTION.unpack_from(data, optional + size + _SECTION.size * index)
            for index in range(sections)
        ]

    def read(self) -> Pe:
        name, exported = self._exports()
        imported: dict[str, list[str]] = {}
        for library, names in [*self._imports(), *self._delayed_imports()]:
            imported.setdefault(library.lower(), []).extend(names)
        return Pe(
            self._machine,
            bool(self._characteristics & _IS_DLL),
            self._timestamp,
            self._flags,
            name,
            exported,
            imported,
            self._symbol_file(),
        )

    def _offset(self, address: int) -> int:
        """Returns the place in the file of an address relative to the image."""
        for _, size, start, raw_size, raw in self._sections:
            if start <= address < start + max(size, raw_size):
                if address - start >= raw_size:
                    break
                return raw + address - start
        raise ValueError(f"the address {address:#x} is in none of its sections")

    def _unpack(self, layout: str, address: int) -> tuple:
        return struct.unpack_from(layout, self._data, self._offset(address))

    def _text(self, address: int) -> str:
        start = self._offset(address)
        end = self._data.find(b"\0", start, start + _LONGEST_NAME)
        if end < 0:
            raise ValueError(f"the name at {address:#x} does not end")
        return self._data[start:end].decode()

    def _directory(self, index: int) -> int:
        """Returns the address of a table; 0 where there is none."""
        return self._directories[index][0] if index < len(self._directories) else 0

    def _exports(self) -> tuple[str, list[str]]:
        table = self._directory(_EXPORTS)
        if not table:
            return "", []
        name, count, names = (self._unpack("<I", table + offset)[0] for offset in (12, 24, 32))
        if count > _MOST:
            raise ValueError("its table of exports has a wrong size")
        addresses = self._unpack(f"<{count}I", names) if count else ()
        return self._text(name), [self._text(address) for address in addresses]

    def _imports(self) -> Iterator[tuple[str, list[str]]]:
        table = self._directory(_IMPORTS)
        for index in range(_MOST if table else 0):
            entry = self._unpack(_IMPORT.format, table + index * _IMPORT.size)
            lookup, _, _, name, slots = entry
            if not name:
                return
            yield self._text(name), list(self._names(lookup or slots))

    def _delayed_imports(self) -> Iterator[tuple[str, list[str]]]:
        table = self._directory(_DELAYED_IMPORTS)
        for index in range(_MOST if table else 0):
            entry = self._unpack(_DELAYED_IMPORT.format, table + index * _DELAYED_IMPORT.size)
            if not entry[1]:
                return
            yield self._text(entry[1]), list(self._names(entry[4]))

    def _names(self, table: int) -> Iterator[str]:
        for index in range(_MOST):
            (entry,) = self._unpack("<Q", table + 8 * index)
            if not entry:
                return
            yield f"#{entry & 0xFFFF}" if entry >> 63 else self._text(entry + 2)

    def _symbol_file(self) -> str:
        if self._directory(_DEBUG):
            address, size = self._directories[_DEBUG]
            for position in range(address, address + size, 28):
                kind, length, _, raw = self._unpack("<IIII", position + 12)
                if kind == _CODEVIEW:
                    record = self._data[raw : raw + length]
                    return record[24:].split(b"\0")[0].decode("utf-8", "replace")
        return ""
