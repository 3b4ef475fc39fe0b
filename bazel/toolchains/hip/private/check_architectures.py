"""Compares the GPU architectures in a library of HIP code with those asked for.

Usage: check_architectures.py LIBRARY REPORT ARCH...

Every source leaves one bundle of code objects in the section `.hip_fatbin` (LLVM,
ClangOffloadBundler, "Bundled Binary File Layout"). An ARCH such as `gfx1100` must be in each of
them. The report lists the architectures found.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

_SECTION = ".hip_fatbin"
_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
_COMPRESSED = b"CCOB"
# Such as `hipv4-amdgcn-amd-amdhsa--gfx90a:xnack-`; the host's entry, which is empty, begins with
# `host-`.
_GPU = "hip"


class UnreadableError(Exception):
    """The library's GPU code cannot be read; the message says why."""


def gpu_code(library: Path) -> bytes:
    """Returns the section that has it. Raises UnreadableError."""
    try:
        with library.open("rb") as file:
            section = ELFFile(file).get_section_by_name(_SECTION)
            if section is None:
                raise UnreadableError(f"it has no GPU code (no section {_SECTION})")
            return section.data()
    except ELFError as error:
        raise UnreadableError(f"it is no ELF file ({error})") from error


def bundles(code: bytes) -> Iterator[set[str]]:
    """Yields the architectures of each bundle. Raises UnreadableError."""
    if code.startswith(_COMPRESSED):
        raise UnreadableError("its GPU code is compressed; compile without --offload-compress")
    position = code.find(_MAGIC)
    while position >= 0:
        try:
            yield set(_architectures(code, position + len(_MAGIC)))
        except (struct.error, UnicodeDecodeError) as error:
            raise UnreadableError("its GPU code ends in the middle of a bundle") from error
        position = code.find(_MAGIC, position + len(_MAGIC))


def _architectures(code: bytes, position: int) -> Iterator[str]:
    """Yields those of the bundle whose number of entries is at a position."""
    (number,) = struct.unpack_from("<Q", code, position)
    position += 8
    for _ in range(number):
        _, _, length = struct.unpack_from("<QQQ", code, position)
        position += 24
        (name,) = struct.unpack_from(f"{length}s", code, position)
        position += length
        target = name.decode("ascii")
        if target.startswith(_GPU):
            yield target.rpartition("--")[2].partition(":")[0]


def differences(found: list[set[str]], asked_for: list[str]) -> list[str]:
    """Returns a sentence for each kind of difference."""
    asked = set(asked_for)
    sentences = []
    if missing := sorted({arch for archs in found for arch in asked - archs}):
        sentences.append(f"it has no code for {', '.join(missing)}, or not of every source")
    if unasked := sorted({arch for archs in found for arch in archs - asked}):
        sentences.append(f"it has code for {', '.join(unasked)}, which nobody asked for")
    return sentences


def main(library: str, report: str, *archs: str) -> int:
    try:
        found = list(bundles(gpu_code(Path(library))))
        if not found:
            raise UnreadableError(f"there is no bundle of code in its section {_SECTION}")
    except UnreadableError as error:
        print(f"{library}: {error}", file=sys.stderr)
        return 1
    wrong = differences(found, list(archs))
    if wrong:
        advice = "compare with --//bazel/toolchains/hip:archs"
        print(f"{library}: {' and '.join(wrong)}; {advice}", file=sys.stderr)
        return 1
    names = sorted(set().union(*found))
    Path(report).write_text("".join(f"{name}\n" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
