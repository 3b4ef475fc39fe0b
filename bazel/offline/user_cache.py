"""Where things lie that are made once for all workspaces and Bazel output roots of a user."""

from __future__ import annotations

import os
from pathlib import Path


def folder(name: str) -> Path:
    """Returns a directory of the user's cache; it exists."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base, "llama-cpp-bazel", name)
    path.mkdir(parents=True, exist_ok=True)
    return path
