"""The smallest meaningful Mach-O files. Source: mach-o/loader.h of Apple's SDK."""

from __future__ import annotations

import struct
from collections.abc import Sequence

CPU_ARM64 = 0x0100000C
CPU_X86_64 = 0x01000007
PLATFORM_MACOS = 1

_MAGIC = 0xFEEDFACF
_DYLIB = 6
_LOAD_DYLIB, _ID_DYLIB, _BUILD_VERSION, _RPATH = 0xC, 0xD, 0x32, 0x8000001C
_CODE_SIGNATURE, _EXPORTS_TRIE = 0x1D, 0x80000033
_HEADER = "<IiiIIIII"


def _with_string(command: int, facts: bytes, text: str) -> bytes:
    """Returns a load command that ends in a string, whose offset is its first fact."""
    offset = 12 + len(facts)
    string = text.encode() + b"\0"
    string += b"\0" * (-(offset + len(string)) % 8)
    return struct.pack("<III", command, offset + len(string), offset) + facts + string


def _trie(names: Sequence[str]) -> bytes:
    """Returns a root with a leaf for each name; every offset is written as two bytes, so that sizes
    are known beforehand."""
    edges = [f"_{name}".encode() + b"\0" for name in names]
    leaf = b"\x02\x00\x00\x00"
    first = 2 + sum(len(edge) + 2 for edge in edges)
    root = bytes((0, len(edges)))
    for number, edge in enumerate(edges):
        offset = first + number * len(leaf)
        root += edge + bytes((offset & 0x7F | 0x80, offset >> 7))
    return root + leaf * len(edges)


def tiny_macho(
    *,
    machine: int = CPU_ARM64,
    install_name: str = "",
    needed: Sequence[str] = (),
    run_paths: Sequence[str] = (),
    minimum: tuple[int, int] = (13, 0),
    platform: int = PLATFORM_MACOS,
    exported: Sequence[str] = (),
    signed: bool = True,
) -> bytes:
    """Returns a shared library that consists of its load commands, and the list of its exports."""
    versions = struct.pack("<III", 0, 0, 0)
    commands = [_with_string(_ID_DYLIB, versions, install_name)] if install_name else []
    commands += [_with_string(_LOAD_DYLIB, versions, library) for library in needed]
    commands += [_with_string(_RPATH, b"", path) for path in run_paths]
    oldest = minimum[0] << 16 | minimum[1] << 8
    commands.append(struct.pack("<IIIIII", _BUILD_VERSION, 24, platform, oldest, oldest, 0))
    commands += [struct.pack("<IIII", _CODE_SIGNATURE, 16, 0, 0)] * signed
    trie = _trie(exported)
    end = struct.calcsize(_HEADER) + sum(map(len, commands)) + 16
    commands.append(struct.pack("<IIII", _EXPORTS_TRIE, 16, end, len(trie)))
    body = b"".join(commands)
    header = struct.pack(_HEADER, _MAGIC, machine, 0, _DYLIB, len(commands), len(body), 0, 0)
    return header + body + trie
