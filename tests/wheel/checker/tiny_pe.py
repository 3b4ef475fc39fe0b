"""The smallest meaningful PE files. Source: Microsoft's PE format."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

AMD64 = 0x8664
ARM64 = 0xAA64

HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT = 0x20, 0x40, 0x100

_HEADERS = 0x400  # bytes before the one section
_ADDRESS = 0x1000  # of the section


class _Section:
    """Bytes that refer to each other by their addresses in memory."""

    def __init__(self) -> None:
        self.data = b""

    def add(self, data: bytes) -> int:
        """Adds aligned data and returns its address."""
        self.data += b"\0" * (-len(self.data) % 8)
        address = _ADDRESS + len(self.data)
        self.data += data
        return address

    def text(self, text: str, before: bytes = b"") -> int:
        return self.add(before + text.encode() + b"\0")


def _exports(section: _Section, name: str, exported: Sequence[str]) -> int:
    addresses = [section.text(symbol) for symbol in sorted(exported)]
    names = section.add(struct.pack(f"<{len(addresses)}I", *addresses))
    functions = section.add(struct.pack(f"<{len(addresses)}I", *([_ADDRESS] * len(addresses))))
    ordinals = section.add(struct.pack(f"<{len(addresses)}H", *range(len(addresses))))
    count = len(addresses)
    facts = (0, 0, 0, 0, section.text(name), 1, count, count, functions, names, ordinals)
    return section.add(struct.pack("<IIHHIIIIIII", *facts))


def _lookups(section: _Section, symbols: Sequence[str]) -> int:
    entries = [section.text(symbol, before=b"\0\0") for symbol in symbols]
    return section.add(struct.pack(f"<{len(entries) + 1}Q", *entries, 0))


def _imports(section: _Section, needed: Mapping[str, Sequence[str]]) -> int:
    table = b""
    for library, symbols in needed.items():
        lookups = _lookups(section, symbols)
        table += struct.pack("<IIIII", lookups, 0, 0, section.text(library), lookups)
    return section.add(table + bytes(20))


def _delayed_imports(section: _Section, needed: Mapping[str, Sequence[str]]) -> int:
    table = b""
    for library, symbols in needed.items():
        lookups = _lookups(section, symbols)
        table += struct.pack("<8I", 1, section.text(library), 0, lookups, lookups, 0, 0, 0)
    return section.add(table + bytes(32))


def _debug(section: _Section, symbol_file: str) -> int:
    record = b"RSDS" + bytes(20) + symbol_file.encode() + b"\0"
    address = section.add(record)
    place = address - _ADDRESS + _HEADERS
    return section.add(struct.pack("<IIHHIIII", 0, 0, 0, 0, 2, len(record), address, place))


def tiny_pe(
    *,
    name: str = "",
    machine: int = AMD64,
    is_dll: bool = True,
    timestamp: int = 0,
    flags: int = HIGH_ENTROPY_VA | DYNAMIC_BASE | NX_COMPAT,
    exported: Sequence[str] = (),
    needed: Mapping[str, Sequence[str]] | None = None,
    delayed: Mapping[str, Sequence[str]] | None = None,
    symbol_file: str = "",
) -> bytes:
    """Returns a DLL or program that consists of its headers and tables."""
    section = _Section()
    directories = [(0, 0)] * 16
    if exported:
        directories[0] = (_exports(section, name, exported), 40)
    if needed:
        directories[1] = (_imports(section, needed), 20)
    if symbol_file:
        directories[6] = (_debug(section, symbol_file), 28)
    if delayed:
        directories[13] = (_delayed_imports(section, delayed), 32)
    size = len(section.data)
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, size, 0, 0, _ADDRESS)
    optional += struct.pack("<QIIHHHHHHIIII", 1 << 32, 4096, 512, 6, 0, 0, 0, 6, 0, 0, 0, 0, 0)
    optional += struct.pack("<HHQQQQII", 3, flags, 0, 0, 0, 0, 0, len(directories))
    optional += b"".join(struct.pack("<II", *entry) for entry in directories)
    kind = 0x22 | (0x2000 if is_dll else 0)
    header = struct.pack("<HHIIIHH", machine, 1, timestamp, 0, 0, len(optional), kind)
    sections = struct.pack("<8sIIII16x", b".rdata", size, _ADDRESS, size, _HEADERS)
    start = b"MZ" + bytes(58) + struct.pack("<I", 64)
    return (start + b"PE\0\0" + header + optional + sections).ljust(_HEADERS, b"\0") + section.data
