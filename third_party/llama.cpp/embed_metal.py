"""Writes one of ggml's Metal kernels, includes expanded, as an assembly file that embeds the text.

Usage: embed_metal.py KIND GGML_SRC OUT

ggml compiles the text on the user's machine, so no compiler of Apple's is needed. The includes and
the names of the symbols are those of llama.cpp's ggml/src/ggml-metal/CMakeLists.txt.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Headers in the order in which they come before a kernel that includes them; the first one always
# does.
_ALWAYS = "common.h"
_HEADERS = ("dequantize.h", "quantize.h", "fa_common.metal", "fa_vec_common.metal")
_GONE = re.compile(
    "|".join([rf'#include "{re.escape(name)}"' for name in (_ALWAYS, *_HEADERS)] + ["#pragma once"])
)
# Line that is replaced -> file below ggml/src.
_INLINED = {
    "__embed_ggml-common.h__": "ggml-common.h",
    '#include "ggml-metal-impl.h"': "ggml-metal/ggml-metal-impl.h",
}

# Bytes of text per line of assembly.
_CHUNK = 64


def kernel_text(kind: str, sources: Path) -> bytes:
    """Returns the self-contained source of a kernel, as a newline-terminated text."""
    folder = sources / "ggml-metal/kernels"
    kernel = (folder / f"{kind}.metal").read_text()
    headers = [_ALWAYS, *(name for name in _HEADERS if f'#include "{name}"' in kernel)]
    text = "".join((folder / name).read_text() for name in headers) + kernel
    lines = [line for line in text.splitlines(keepends=True) if not _GONE.search(line)]
    for marker, name in _INLINED.items():
        inlined = (sources / name).read_text()
        lines = [inlined if marker in line else line for line in lines]
        # The text that was put in may have the next marker.
        lines = "".join(lines).splitlines(keepends=True)
    return "".join(lines).encode()


def assembly(kind: str, text: bytes) -> str:
    """Returns the assembly file: the text between two symbols, in a section of its own."""
    name = kind.replace("-", "_")
    chunks = (text[start : start + _CHUNK] for start in range(0, len(text), _CHUNK))
    return "\n".join(
        [
            ".section __DATA,__ggml_metallib",
            # Seen by the library's other objects, and by nobody else.
            f".private_extern _ggml_metallib_{name}_start",
            f"_ggml_metallib_{name}_start:",
            *(f".byte {','.join(map(str, chunk))}" for chunk in chunks),
            f".private_extern _ggml_metallib_{name}_end",
            f"_ggml_metallib_{name}_end:",
            "",
        ]
    )


def main(kind: str, sources: str, out: str) -> None:
    Path(out).write_text(assembly(kind, kernel_text(kind, Path(sources))))


if __name__ == "__main__":
    main(*sys.argv[1:])
