"""Tests of the comparison of a HIP library's GPU architectures with the requested ones."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import unittest
from pathlib import Path

import check_architectures

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


class CheckArchitecturesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(os.environ["TEST_TMPDIR"], self.id())
        self.folder.mkdir()
        self.report = self.folder / "report"

    def _check(self, data: bytes, *archs: str) -> str:
        """Runs it on a file; returns its complaints."""
        library = self.folder / "libggml-hip.so"
        library.write_bytes(data)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = check_architectures.main(str(library), str(self.report), *archs)
        self.assertEqual(bool(status), bool(said.getvalue()), said.getvalue())
        self.assertEqual(bool(status), not self.report.exists())
        return said.getvalue()

    def test_what_was_asked_for_passes(self) -> None:
        data = elf(bundle("gfx1100", "gfx90a:xnack-") + bundle("gfx1100", "gfx90a:xnack-"))
        self.assertEqual("", self._check(data, "gfx90a", "gfx1100"))
        self.assertEqual("gfx1100\ngfx90a\n", self.report.read_text())

    def test_what_one_source_lacks_is_named(self) -> None:
        data = elf(bundle("gfx1100", "gfx942") + bundle("gfx1100"))
        complaint = self._check(data, "gfx1100", "gfx942")
        self.assertIn("it has no code for gfx942, or not of every source;", complaint)

    def test_what_nobody_asked_for_is_named(self) -> None:
        complaint = self._check(elf(bundle("gfx1100", "gfx1101")), "gfx1100")
        self.assertIn("it has code for gfx1101, which nobody asked for", complaint)

    def test_a_library_without_gpu_code(self) -> None:
        self.assertIn("no section .hip_fatbin", self._check(elf(b"", ".text"), "gfx1100"))
        self.assertIn("there is no bundle", self._check(elf(b"\0" * _PAGE), "gfx1100"))

    def test_compressed_code(self) -> None:
        complaint = self._check(elf(b"CCOB".ljust(_PAGE, b"\0")), "gfx1100")
        self.assertIn("compressed; compile without --offload-compress", complaint)

    def test_a_truncated_bundle(self) -> None:
        complaint = self._check(elf(bundle("gfx1100")[:80]), "gfx1100")
        self.assertIn("ends in the middle of a bundle", complaint)

    def test_no_elf_file(self) -> None:
        self.assertIn("it is no ELF file", self._check(b"text", "gfx1100"))


if __name__ == "__main__":
    unittest.main()
