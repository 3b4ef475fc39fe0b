"""Unpacks a wheel into a directory: unpack_wheel.py WHEEL FOLDER. Standard library only."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def main(wheel: str, folder: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            # zipfile leaves the modes out; there are programs among the files.
            path = Path(archive.extract(entry, folder))
            if mode := entry.external_attr >> 16 & 0o777:
                path.chmod(mode)


if __name__ == "__main__":
    main(*sys.argv[1:])
