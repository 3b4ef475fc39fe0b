"""An ELF file's facts for the dynamic loader."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Iterator
from typing import TypeVar

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

MAGIC = b"\x7fELF"
_SHORTEST_RECORD = 8  # bytes, of a symbol version (LSB, Elfxx_Verdaux)
_T = TypeVar("_T")


class UnreadableElf(Exception):
    """The file cannot be read; the message says why."""


@dataclasses.dataclass(frozen=True)
class Elf:
    """The dynamic part of a shared library or program.

    Attributes:
        machine: e_machine, such as `EM_X86_64`.
        is_program: Whether it names a program interpreter.
        needed: DT_NEEDED, in order.
        soname: DT_SONAME, or nothing.
        run_paths: Entries of DT_RPATH and DT_RUNPATH.
        has_runpath: Whether it has DT_RUNPATH, which makes DT_RPATH count for nothing.
        exported: Names of the symbols that it defines for others.
        unversioned: Those of them that have no version.
        undefined: Names of the symbols that it takes from others.
        versions: Pairs of library and symbol version that it needs, such as ("libc.so.6",
            "GLIBC_2.17").
    """

    machine: str
    is_program: bool
    needed: list[str]
    soname: str
    run_paths: list[str]
    has_runpath: bool
    exported: list[str]
    unversioned: list[str]
    undefined: list[str]
    versions: list[tuple[str, str]]


def read(data: bytes) -> Elf:
    """Reads an ELF file. Raises UnreadableElf."""
    try:
        elf = ELFFile(io.BytesIO(data))
        _check_tables(elf, len(data))
        return _read(elf, len(data))
    # pyelftools trusts offsets and sizes, and a wrong one may raise any exception.
    except Exception as error:
        raise UnreadableElf(str(error) or type(error).__name__) from error


def _check_tables(elf: ELFFile, size: int) -> None:
    """Checks that the headers are in the file: pyelftools reads as many as their number says."""
    for table, count, entry in (
        ("e_shoff", elf.num_sections(), "e_shentsize"),
        ("e_phoff", elf.num_segments(), "e_phentsize"),
    ):
        if count and (not elf[entry] or elf[table] + count * elf[entry] > size):
            raise UnreadableElf("its headers are not in the file")


def _bounded(items: Iterable[_T], size: int) -> Iterator[_T]:
    """Yields the records of a section of a file; the links between them may make a circle."""
    for number, item in enumerate(items):
        if number * _SHORTEST_RECORD > size:
            raise UnreadableElf("its symbol versions meet themselves")
        yield item


def _read(elf: ELFFile, size: int) -> Elf:
    sections = list(elf.iter_sections())
    dynamic = [section for section in sections if isinstance(section, DynamicSection)]
    segments = {segment["p_type"] for segment in elf.iter_segments()}
    if "PT_DYNAMIC" in segments and not dynamic:
        raise UnreadableElf("its section headers are stripped")
    tags = [tag for section in dynamic for tag in section.iter_tags()]
    versions = [section for section in sections if isinstance(section, GNUVerSymSection)]
    nodes = set(_version_nodes(sections, size))
    # GNU's linker has a symbol for each version node too.
    symbols = [
        (symbol, _is_versioned(versions, index))
        for section in sections
        if isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_DYNSYM"
        for index, symbol in enumerate(section.iter_symbols())
        if symbol.name and symbol["st_info"]["bind"] != "STB_LOCAL" and symbol.name not in nodes
    ]
    exported = [pair for pair in symbols if pair[0]["st_shndx"] != "SHN_UNDEF"]
    return Elf(
        machine=elf["e_machine"],
        is_program="PT_INTERP" in segments,
        needed=[tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"],
        soname="".join(tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"),
        run_paths=[path for tag in tags for path in _run_paths(tag)],
        has_runpath=any(tag.entry.d_tag == "DT_RUNPATH" for tag in tags),
        exported=[symbol.name for symbol, _ in exported],
        unversioned=[symbol.name for symbol, is_versioned in exported if not is_versioned],
        undefined=[symbol.name for symbol, _ in symbols if symbol["st_shndx"] == "SHN_UNDEF"],
        versions=[
            pair
            for section in sections
            if isinstance(section, GNUVerNeedSection)
            for pair in _bounded(_needs(section, size), size)
        ],
    )


def _needs(section: GNUVerNeedSection, size: int) -> Iterator[tuple[str, str]]:
    """Yields pairs of library and symbol version."""
    for need, versions in _bounded(section.iter_versions(), size):
        for version in versions:
            yield need.name, version.name


def _version_nodes(sections, size: int) -> Iterator[str]:
    for section in sections:
        if isinstance(section, GNUVerDefSection):
            for _, names in _bounded(section.iter_versions(), size):
                yield next(names).name


def _is_versioned(versions: list[GNUVerSymSection], index: int) -> bool:
    """Returns whether a version node, and not the file's base, holds the symbol of this index."""
    return any(isinstance(section.get_symbol(index)["ndx"], int) for section in versions)


def _run_paths(tag) -> list[str]:
    attribute = {"DT_RPATH": "rpath", "DT_RUNPATH": "runpath"}.get(tag.entry.d_tag)
    return getattr(tag, attribute).split(":") if attribute else []
