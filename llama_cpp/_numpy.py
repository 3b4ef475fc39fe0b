"""NumPy, imported when something of it is first used: that takes as long as all of this package.

Modules that a program imports without ever making an array take ``np`` and ``npt`` from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["np", "npt"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
else:

    class _Lazy:
        """A module whose attributes are looked up there once, and then kept."""

        def __init__(self, module: str) -> None:
            self._module = module

        def __getattr__(self, name: str) -> Any:
            value = getattr(import_module(self._module), name)
            setattr(self, name, value)
            return value

    np = _Lazy("numpy")
    npt = _Lazy("numpy.typing")
