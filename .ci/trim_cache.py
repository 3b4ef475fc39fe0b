"""Deletes the least recently used files of Bazel's disk cache: trim_cache.py DIRECTORY GIGABYTES

Bazel itself does so when its server has been idle for minutes, which it never is in a job of CI. It
sets the time of a file that it uses, and takes an entry without its files for none.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple


class _File(NamedTuple):
    used: float
    size: int
    path: Path


def trim(directory: Path, size: int) -> int:
    """Returns the size that is left, at most `size` bytes; the oldest files are deleted."""
    files = []
    for path in directory.glob("**/*"):
        if path.is_file():
            status = path.stat()
            files.append(_File(status.st_mtime, status.st_size, path))
    left = sum(file.size for file in files)
    for file in sorted(files):
        if left <= size:
            break
        file.path.unlink()
        left -= file.size
    return left


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    left = trim(Path(arguments[0]), int(float(arguments[1]) * 1e9))
    print(f"{left / 1e9:.2f} GB are left in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
