"""Writes a C file with every function that libraries export; each says its name and aborts:
`make_source.py OUT LIBRARY...`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

from elftools.elf.elffile import ELFFile

_HEAD = """\
#include <stdio.h>
#include <stdlib.h>

static void die(const char* name) {
    fprintf(stderr, "foreign %s was called\\n", name);
    abort();
}

"""


def _exported(library: Path) -> Iterator[str]:
    with library.open("rb") as file:
        for symbol in ELFFile(file).get_section_by_name(".dynsym").iter_symbols():
            if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["type"] == "STT_FUNC":
                yield symbol.name


def main() -> None:
    out, *libraries = map(Path, sys.argv[1:])
    names = sorted({name for library in libraries for name in _exported(library)})
    lines = [f'void {name}(void) {{ die("{name}"); }}\n' for name in names]
    out.write_text(_HEAD + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
