"""Facts about the checker of a HIP library's GPU architectures, which reads the library itself."""

from __future__ import annotations

import struct
from pathlib import Path

from architectures import Case

_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
_PAGE = 4096


def bundle(*archs: str) -> bytes:
    """Returns a bundle as clang writes it for a source: an empty entry of the host, and one for
    each architecture."""
    names = ["host-x86_64-unknown-linux-gnu-"]
    names += [f"hipv4-amdgcn-amd-amdhsa--{arch}" for arch in archs]
    entries = b"".join(struct.pack("<QQQ", _PAGE, 0, len(name)) + name.encode() for name in names)
    data = _MAGIC + struct.pack("<Q", len(names)) + entries
    return data.ljust(_PAGE, b"\0")


def elf(code: bytes, section: str = ".hip_fatbin") -> bytes:
    """Returns a 64-bit ELF file with one section beside that of names."""
    names = b"\0" + section.encode() + b"\0.shstrtab\0"
    header = 64
    sections = header + len(code) + len(names)

    def entry(name: int, kind: int, offset: int, size: int) -> bytes:
        return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 1, 0)

    table = entry(0, 0, 0, 0) + entry(1, 1, header, len(code))
    table += entry(len(section) + 2, 3, header + len(code), len(names))
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    facts = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, sections, 0, header, 0, 0, 64, 3, 2)
    return ident + facts + code + names + table


def arguments(folder: Path, content: bytes) -> list[str]:
    """Writes the library."""
    library = folder / "libggml-hip.so"
    library.write_bytes(content)
    return [str(library)]


CASES = [
    Case(
        "the_requested_ones",
        elf(bundle("gfx1100", "gfx90a:xnack-") + bundle("gfx1100", "gfx90a:xnack-")),
        ["gfx90a", "gfx1100"],
        report=("gfx1100", "gfx90a"),
    ),
    Case(
        "missing_from_one_source",
        elf(bundle("gfx1100", "gfx942") + bundle("gfx1100")),
        ["gfx1100", "gfx942"],
        "it has no code for gfx942, or not of every source;",
    ),
    Case(
        "not_requested",
        elf(bundle("gfx1100", "gfx1101")),
        ["gfx1100"],
        "it has code for gfx1101, which nobody asked for",
    ),
    Case("without_the_section", elf(b"", ".text"), ["gfx1100"], "no section .hip_fatbin"),
    Case("without_a_bundle", elf(b"\0" * _PAGE), ["gfx1100"], "there is no bundle"),
    Case(
        "compressed",
        elf(b"CCOB".ljust(_PAGE, b"\0")),
        ["gfx1100"],
        "compressed; compile without --offload-compress",
    ),
    Case(
        "truncated",
        elf(bundle("gfx1100")[:80]),
        ["gfx1100"],
        "ends in the middle of a bundle",
    ),
    Case("no_elf_file", b"text", ["gfx1100"], "it is no ELF file"),
]
