"""Copies the beginnings of GGUF files, up to the weights.

    python gguf_heads.py DIR --out HEADS

Needs the package gguf.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, help="directory of .gguf files")
    parser.add_argument("--out", type=Path, required=True, help="directory of the beginnings")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(args.models.glob("*.gguf")):
        size = gguf.GGUFReader(path).data_offset
        with path.open("rb") as file:
            (args.out / path.stem).write_bytes(file.read(size))


if __name__ == "__main__":
    main()
