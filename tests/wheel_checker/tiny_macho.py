"""The smallest Mach-O files that say something to a loader. Source: mach-o/loader.h of Apple's SDK."""

from __future__ import annotations

import struct
from collections.abc import Sequence

CPU_ARM64 = 0x0100000C
CPU_X86_64 = 0x01000007
PLATFORM_MACOS = 1

_MAGIC = 0xFEEDFACF
_DYLIB = 6
_LOAD_DYLIB, _ID_DYLIB, _BUILD_VERSION, _RPATH = 0xC, 0xD, 0x32, 0x8000001C


def _with_string(command: int, facts: bytes, text: str) -> bytes:
    """A load command that ends in a string, whose offset is its first fact."""
    offset = 12 + len(facts)
    string = text.encode() + b"\0"
    string += b"\0" * (-(offset + len(string)) % 8)
    return struct.pack("<III", command, offset + len(string), offset) + facts + string


def tiny_macho(
    *,
    machine: int = CPU_ARM64,
    install_name: str = "",
    needed: Sequence[str] = (),
    run_paths: Sequence[str] = (),
    minimum: tuple[int, int] = (13, 0),
    platform: int = PLATFORM_MACOS,
) -> bytes:
    """Returns a shared library that consists of its load commands."""
    versions = struct.pack("<III", 0, 0, 0)
    commands = [_with_string(_ID_DYLIB, versions, install_name)] if install_name else []
    commands += [_with_string(_LOAD_DYLIB, versions, library) for library in needed]
    commands += [_with_string(_RPATH, b"", path) for path in run_paths]
    oldest = minimum[0] << 16 | minimum[1] << 8
    commands.append(struct.pack("<IIIIII", _BUILD_VERSION, 24, platform, oldest, oldest, 0))
    body = b"".join(commands)
    header = struct.pack("<IiiIIIII", _MAGIC, machine, 0, _DYLIB, len(commands), len(body), 0, 0)
    return header + body
