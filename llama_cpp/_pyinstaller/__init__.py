"""Tells PyInstaller how to put this package into a program (entry point ``hook-dirs`` of the group ``pyinstaller40``)."""

from __future__ import annotations

import os
from typing import List


def get_hook_dirs() -> List[str]:
    """Returns the directory of the hooks."""
    return [os.path.dirname(os.path.abspath(__file__))]
