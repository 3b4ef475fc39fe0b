"""Writes Python modules with ctypes declarations of C headers.

    generate.py --zig ZIG --include DIR ... --out DIR --constants ggml.h
        --module llama_h=llama:llama.h --module mtmd_h=mtmd:mtmd.h,mtmd-helper.h

A module has every function, struct, union, enumerator, typedef and number that its headers declare,
and of other headers the types that those need. A declaration without a counterpart in ctypes is an
error. `constants.py` has the numbers of all headers, `names.inc` the names for a C++ program that
compares them with the compiler (tests/native/capi), `c-api.md` is the page of the reference.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Union

from c_types import UnknownTypeError
from headers import Headers, values
from macros import as_enumerators
from module import Module
from page import Page
from stub import Stub
from syntax_tree import Declaration, declarations

# Sizes and layouts are ctypes' business, so any system will do. The C library's headers are
# zig's, in the order of its own compilations.
_TARGET = "x86_64-linux-gnu"
_C_LIBRARY = (
    "include",
    "libc/include/x86-linux-gnu",
    "libc/include/generic-glibc",
    "libc/include/x86-linux-any",
    "libc/include/any-linux-any",
)


# Generated module -> public module that has its names, if it is not llama_cpp.llama_cpp.
_PUBLIC = {"mtmd_h": "llama_cpp.mtmd_cpp"}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A module to write: its name, the library of its functions, and its headers."""

    name: str
    library: str
    headers: tuple[str, ...]


def _wanted(text: str) -> Wanted:
    name, _, rest = text.partition("=")
    library, _, headers = rest.partition(":")
    return Wanted(name, library, tuple(headers.split(",")))


def _syntax_tree(zig: Path, include: list[Path], headers: dict[str, str]) -> str:
    """Returns clang's syntax tree of a file that includes the headers, as JSON.

    Args:
        zig: the zig executable.
        include: directories of the headers.
        headers: file name -> text.
    """
    command = [
        *(str(zig), "clang", f"--target={_TARGET}", "-x", "c", "-std=c11", "-fsyntax-only", "-w"),
        *("-fparse-all-comments", "-Xclang", "-ast-dump=json", "-nostdinc"),
        *(f"-isystem{zig.parent / 'lib' / directory}" for directory in _C_LIBRARY),
        *(f"-I{directory}" for directory in include),
        "-",
    ]
    source = "".join(f'#include "{header}"\n' for header in headers)
    source += "".join(map(as_enumerators, headers.values()))
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def _text(header: str, include: list[Path]) -> str:
    for directory in include:
        if (directory / header).is_file():
            return (directory / header).read_text()
    sys.exit(f"{header} is in none of {', '.join(map(str, include))}")


def _constants(constants: dict[str, Union[int, bytes]], headers: list[str]) -> str:
    lines = [f'"""Numbers and texts of {", ".join(headers)}, generated from them."""', ""]
    lines += [f"{name} = {value!r}" for name, value in constants.items()]
    return "\n".join(lines) + "\n"


def _names(headers: Headers) -> list[str]:
    """Returns the calls of macros for a C++ program: one per struct, member and function."""
    lines = []
    for record in headers.records:
        lines.append(f"RECORD({record.name})")
        members = [member.name for member in record.members or () if member.name]
        lines += [f"MEMBER({record.name}, {member})" for member in members]
    return [*lines, *(f"FUNCTION({function.name})" for function in headers.functions)]


def _write(
    wanted: list[Wanted],
    found: list[tuple[str, Declaration]],
    texts: dict[str, str],
    out: Path,
) -> None:
    """Writes all files.

    Args:
        wanted: the modules.
        found: file name and declaration, of all headers that were read.
        texts: file name -> text, of all headers whose numbers count.
        out: directory of the files.
    """
    constants = values(found, texts)
    modules: list[tuple[str, Headers]] = []
    names = [f"NUMBER({name})" for name, value in constants.items() if isinstance(value, int)]
    for each in wanted:
        headers = Headers(found, {name: texts[name] for name in each.headers})
        (out / f"{each.name}.py").write_text(Module(headers, each.library).text())
        (out / f"{each.name}.pyi").write_text(Stub(headers).text())
        names += _names(headers)
        modules.append((_PUBLIC.get(each.name, "llama_cpp.llama_cpp"), headers))
    (out / "c-api.md").write_text(Page(modules, constants).text())
    (out / "constants.py").write_text(_constants(constants, list(texts)))
    (out / "names.inc").write_text("\n".join(names) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Writes ctypes declarations of C headers.")
    parser.add_argument("--zig", type=Path, required=True, help="the zig executable")
    parser.add_argument(
        "--include", type=Path, action="append", required=True, help="directory of headers"
    )
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    parser.add_argument("--module", type=_wanted, action="append", help="NAME=LIBRARY:HEADER,...")
    parser.add_argument("--constants", type=_list, default=[], help="HEADER,...: more of them")
    return parser.parse_args()


def _list(text: str) -> list[str]:
    return text.split(",")


def main() -> int:
    """Returns the exit code."""
    arguments = _parse()
    wanted = arguments.module
    every = [*arguments.constants, *(name for each in wanted for name in each.headers)]
    texts = {name: _text(name, arguments.include) for name in every}
    tree = _syntax_tree(arguments.zig, arguments.include, texts)
    try:
        _write(wanted, list(declarations(tree)), texts, arguments.out)
    except UnknownTypeError as error:
        print(f"{', '.join(every)}: no ctypes for the C type `{error}`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
