"""A Mach-O file's facts for macOS's dynamic loader. Source: mach-o/loader.h of Apple's SDK."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator

from . import export_trie

MAGIC = b"\xcf\xfa\xed\xfe"  # 64 bits, little endian
# Other files for macOS, which no tag here promises: both 32 bits, big endian, and of several
# machines.
FOREIGN_MAGICS = (
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xfe\xed\xfa\xce",
    b"\xca\xfe\xba\xbe",
)

_HEADER = "<IiiIIIII"
_ID_DYLIB = 0xD
_LOADS = (0xC, 0x80000018, 0x8000001F)  # LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB
_RPATH = 0x8000001C
_BUILD_VERSION = 0x32
_CODE_SIGNATURE = 0x1D
# Where a command says at which offset the exported symbols are: LC_DYLD_INFO, LC_DYLD_INFO_ONLY,
# LC_DYLD_EXPORTS_TRIE.
_EXPORTS = {0x22: 40, 0x80000022: 40, 0x80000033: 8}
_PLATFORM_MACOS = 1


class UnreadableMachO(Exception):
    """The file cannot be read; the message says why."""


@dataclasses.dataclass(frozen=True)
class MachO:
    """The load commands of a shared library, bundle or program.

    Attributes:
        machine: cputype.
        install_name: LC_ID_DYLIB, or nothing.
        needed: Libraries that it loads, in order.
        run_paths: LC_RPATH, in order.
        minimum: Oldest macOS that it runs on, (major, minor); (0, 0) where it does not say.
        exported: Symbols that others may bind to, as C spells them.
        is_signed: Whether it has a signature, be it an ad-hoc one.
    """

    machine: int
    install_name: str
    needed: list[str]
    run_paths: list[str]
    minimum: tuple[int, int]
    exported: frozenset[str]
    is_signed: bool


def read(data: bytes) -> MachO:
    """Reads a Mach-O file. Raises UnreadableMachO."""
    try:
        return _read(data)
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise UnreadableMachO(str(error) or type(error).__name__) from error


def _read(data: bytes) -> MachO:
    _, machine, _, _, number, size, _, _ = struct.unpack_from(_HEADER, data)
    install_name, needed, run_paths, minimum = "", [], [], (0, 0)
    exported: frozenset[str] = frozenset()
    is_signed = False
    for command, body in _commands(data, number, size):
        if command == _ID_DYLIB:
            install_name = _string(body)
        elif command in _LOADS:
            needed.append(_string(body))
        elif command == _RPATH:
            run_paths.append(_string(body))
        elif command == _BUILD_VERSION:
            platform, version = struct.unpack_from("<II", body, 8)
            if platform != _PLATFORM_MACOS:
                raise ValueError(f"it is for platform {platform} of Apple, and macOS is 1")
            minimum = (version >> 16, version >> 8 & 0xFF)
        elif command in _EXPORTS:
            exported = _exported(data, *struct.unpack_from("<II", body, _EXPORTS[command]))
        elif command == _CODE_SIGNATURE:
            is_signed = True
    return MachO(machine, install_name, needed, run_paths, minimum, exported, is_signed)


def _exported(data: bytes, offset: int, size: int) -> frozenset[str]:
    if offset + size > len(data):
        raise ValueError("its list of exported symbols is not in the file")
    # C's names have an underscore before them.
    return frozenset(
        name.removeprefix("_") for name in export_trie.names(data[offset : offset + size])
    )


def _commands(data: bytes, number: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Yields kind and bytes of each load command."""
    position = struct.calcsize(_HEADER)
    end = position + size
    if end > len(data):
        raise ValueError("it ends in the middle of its load commands")
    for _ in range(number):
        command, length = struct.unpack_from("<II", data, position)
        if length < 8 or position + length > end:
            raise ValueError("a load command has a wrong size")
        yield command, data[position : position + length]
        position += length


def _string(body: bytes) -> str:
    """Returns the string that a load command names by its offset, which comes first."""
    (offset,) = struct.unpack_from("<I", body, 8)
    return body[offset:].split(b"\0", 1)[0].decode()
