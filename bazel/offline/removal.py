"""Removes files and directories."""

from __future__ import annotations

import shutil
from pathlib import Path


def remove(path: Path) -> None:
    """Removes a file, a link or a directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
