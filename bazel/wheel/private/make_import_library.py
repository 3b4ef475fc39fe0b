"""Writes an import library of the Python symbols that object files need.

    python make_import_library.py --zig ZIG --dll python314.dll --out LIBRARY OBJECT...

A linker for Windows takes every symbol from a DLL that it knows; ELF and Mach-O leave Python's
undefined. So the library lists what the objects need, and no Python for Windows is read.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from coff_object import symbols

_PYTHON = re.compile(r"_?Py[A-Z_]\w*")
_POINTER = "__imp_"  # of the slot that the loader fills in


def needed_names(objects: Iterable[Path]) -> list[str]:
    """Returns Python's names that the objects need and do not define themselves, in order."""
    needed, defined = set(), set()
    for path in objects:
        for symbol in symbols(path.read_bytes()):
            name = symbol.name[len(_POINTER) :] if symbol.name.startswith(_POINTER) else symbol.name
            if _PYTHON.fullmatch(name):
                (defined if symbol.is_defined else needed).add(name)
    return sorted(needed - defined)


def module_definition(dll: str, names: list[str]) -> str:
    """Returns the text of a module-definition file (.def)."""
    return "\n".join([f"LIBRARY {dll}", "EXPORTS", *(f"  {name}" for name in names), ""])


def main() -> None:
    """Writes the library."""
    parser = argparse.ArgumentParser(description="Writes an import library for an extension.")
    parser.add_argument("--zig", required=True)
    parser.add_argument("--dll", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("objects", nargs="*", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        definition = Path(directory, "python.def")
        text = module_definition(arguments.dll, needed_names(arguments.objects))
        definition.write_text(text, encoding="utf-8")
        command = [arguments.zig, "dlltool", "-m", "i386:x86-64", "-d", str(definition)]
        subprocess.run([*command, "-l", arguments.out], check=True)


if __name__ == "__main__":
    main()
