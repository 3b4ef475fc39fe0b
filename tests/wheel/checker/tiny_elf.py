"""Writes ELF files that hold a dynamic section, with contents chosen by a test, and no code.

Sizes and numbers are those of the System V ABI (gABI) and of the GNU extensions for symbol versions
(LSB).
"""

from __future__ import annotations

import struct
import zlib

EM_X86_64, EM_AARCH64 = 62, 183

_SHT_STRTAB, _SHT_DYNAMIC, _SHT_DYNSYM = 3, 6, 11
_SHT_GNU_VERDEF, _SHT_GNU_VERNEED, _SHT_GNU_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_DT_NEEDED, _DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 14, 15, 29
_NODE, _NODE_INDEX, _BASE_INDEX = "TOY_0", 2, 1
_PT_DYNAMIC, _PT_INTERP = 2, 3
_GLOBAL_FUNCTION = 1 << 4 | 2
_HEADER_SIZE, _SEGMENT_SIZE, _SECTION_SIZE = 64, 56, 64


class _Strings:
    """A string table."""

    def __init__(self) -> None:
        self.data = b"\0"

    def add(self, text: str) -> int:
        offset = len(self.data)
        self.data += text.encode() + b"\0"
        return offset


def _symbols(strings: _Strings, exported: tuple[str, ...], undefined: tuple[str, ...]) -> bytes:
    table = bytes(24)
    for names, section in ((exported, 1), (undefined, 0)):
        for name in names:
            table += struct.pack("<IBBHQQ", strings.add(name), _GLOBAL_FUNCTION, 0, section, 0, 0)
    return table


def _version_needs(strings: _Strings, versions: dict[str, tuple[str, ...]]) -> bytes:
    table = b""
    for index, (library, names) in enumerate(versions.items()):
        is_last = index == len(versions) - 1
        size = 16 * (1 + len(names))
        table += struct.pack(
            "<HHIII", 1, len(names), strings.add(library), 16, 0 if is_last else size
        )
        for place, name in enumerate(names):
            following = 0 if place == len(names) - 1 else 16
            table += struct.pack(
                "<IHHII", zlib.crc32(name.encode()), 0, place + 2, strings.add(name), following
            )
    return table


def _version_definitions(strings: _Strings) -> bytes:
    """One node, and no base."""
    definition = struct.pack("<HHHHIII", 1, 0, _NODE_INDEX, 1, zlib.crc32(_NODE.encode()), 20, 0)
    return definition + struct.pack("<II", strings.add(_NODE), 0)


def _symbol_versions(exported: int, undefined: int, is_versioned: bool) -> bytes:
    """The first symbol is none; undefined ones are taken from anywhere."""
    index = _NODE_INDEX if is_versioned else _BASE_INDEX
    indices = [0] + [index] * exported + [_BASE_INDEX] * undefined
    return struct.pack(f"<{len(indices)}H", *indices)


def _dynamic(
    strings: _Strings, needed: tuple[str, ...], soname: str, run_path: str, run_path_tag: int
) -> bytes:
    entries = [(_DT_NEEDED, strings.add(library)) for library in needed]
    if soname:
        entries.append((_DT_SONAME, strings.add(soname)))
    if run_path:
        entries.append((run_path_tag, strings.add(run_path)))
    return b"".join(struct.pack("<QQ", tag, value) for tag, value in [*entries, (0, 0)])


def tiny_elf(
    *,
    machine: int = EM_X86_64,
    needed: tuple[str, ...] = ("libc.so.6",),
    soname: str = "",
    run_path: str = "",
    run_path_tag: int = DT_RPATH,
    exported: tuple[str, ...] = (),
    undefined: tuple[str, ...] = (),
    versions: dict[str, tuple[str, ...]] | None = None,
    is_program: bool = False,
    is_versioned: bool = True,
    has_sections: bool = True,
) -> bytes:
    """Returns the bytes of a 64-bit little-endian shared object."""
    strings, names = _Strings(), _Strings()
    versions = versions or {}
    # Name, type, contents, number of entries or of the first global one, size of an entry.
    parts = [
        (".dynsym", _SHT_DYNSYM, _symbols(strings, exported, undefined), 1, 24),
        (
            ".gnu.version",
            _SHT_GNU_VERSYM,
            _symbol_versions(len(exported), len(undefined), is_versioned),
            0,
            2,
        ),
        (".gnu.version_d", _SHT_GNU_VERDEF, _version_definitions(strings), 1, 0),
        (".gnu.version_r", _SHT_GNU_VERNEED, _version_needs(strings, versions), len(versions), 0),
        (
            ".dynamic",
            _SHT_DYNAMIC,
            _dynamic(strings, needed, soname, run_path, run_path_tag),
            0,
            16,
        ),
    ]
    if not versions:
        del parts[3]
    parts.insert(0, (".dynstr", _SHT_STRTAB, strings.data, 0, 0))

    body_start = _HEADER_SIZE + 2 * _SEGMENT_SIZE
    headers, body, offsets = bytes(_SECTION_SIZE), b"", {}
    for name, kind, data, info, entry_size in parts:
        offset = offsets[name] = body_start + len(body)
        # Section 1 has the strings, section 2 the symbols that the versions are of.
        link = {_SHT_STRTAB: 0, _SHT_GNU_VERSYM: 2}.get(kind, 1)
        headers += struct.pack(
            "<IIQQQQIIQQ",
            names.add(name),
            kind,
            2,
            offset,
            offset,
            len(data),
            link,
            info,
            8,
            entry_size,
        )
        body += data + bytes(-len(data) % 8)
    name_offset = body_start + len(body)
    name_entry = names.add(".shstrtab")
    headers += struct.pack(
        "<IIQQQQIIQQ", name_entry, _SHT_STRTAB, 0, 0, name_offset, len(names.data), 0, 0, 1, 0
    )
    body += names.data + bytes(-len(names.data) % 8)

    segments = struct.pack(
        "<IIQQQQQQ", _PT_DYNAMIC, 4, offsets[".dynamic"], 0, 0, len(parts[-1][2]), 0, 8
    )
    # A program names its interpreter; which one is of no interest here. Otherwise the entry is
    # PT_NULL.
    segments += struct.pack(
        "<IIQQQQQQ", _PT_INTERP if is_program else 0, 4, body_start, 0, 0, 1, 0, 1
    )
    count = len(parts) + 2 if has_sections else 0
    header = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header += struct.pack(
        "<HHIQQQIHHHHHH",
        3,  # ET_DYN
        machine,
        1,
        0,
        _HEADER_SIZE,
        body_start + len(body) if has_sections else 0,
        0,
        _HEADER_SIZE,
        _SEGMENT_SIZE,
        2,
        _SECTION_SIZE,
        count,
        count - 1 if has_sections else 0,
    )
    return header + segments + body + headers
