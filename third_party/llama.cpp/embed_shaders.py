"""Compiles the variants of one of ggml's Vulkan shaders into a C++ file.

Usage: embed_shaders.py GENERATOR GLSLC SHADER HEADER OUT

The generator, which knows the variants, writes every byte as an element of a list. The largest file
would be 90 MB of those, which take a compiler minutes and gigabytes; a string is read at once.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

# The array that the generator writes for a variant whose code is in the file NAME.spv.
_ARRAY = re.compile(rb"const unsigned char (\w+)_data\[(\d+)\] = \{[^}]*\};")


def embed(text: bytes, folder: Path) -> bytes:
    """Returns the generator's C++ with strings in place of its lists."""

    def literal(match: re.Match) -> bytes:
        name, size = match[1].decode(), int(match[2])
        data = (folder / f"{name}.spv").read_bytes()
        if len(data) != size:
            raise SystemExit(f"{name}: the generator embedded {size} bytes of {len(data)}")
        escaped = "\\x" + data.hex(" ").replace(" ", "\\x")
        # One more for the null that ends a string.
        return f'const unsigned char {name}_data[{size + 1}] = "{escaped}";'.encode()

    return _ARRAY.sub(literal, text)


def main() -> None:
    generator, glslc, shader, header, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        generated = folder / "shader.cpp"
        command = [generator, "--glslc", glslc, "--source", shader, "--output-dir", folder]
        command += ["--target-hpp", header, "--target-cpp", generated]
        subprocess.run(command, check=True)
        Path(out).write_bytes(embed(generated.read_bytes(), folder))


if __name__ == "__main__":
    main()
