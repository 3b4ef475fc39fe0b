"""PyInstaller finds its hook for this package here (entry point ``hook-dirs``)."""

from __future__ import annotations

import os
from typing import List


def get_hook_dirs() -> List[str]:
    """Returns the directory of the hooks."""
    return [os.path.dirname(os.path.abspath(__file__))]
