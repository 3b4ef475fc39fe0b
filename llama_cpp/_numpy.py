"""NumPy, imported when something of it is first used: that takes as long as all of this package.

Modules that a program imports without ever making an array take ``np`` and ``npt`` from here, and
types that are evaluated at import take ``FloatArray`` and ``IntArray``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["FloatArray", "IntArray", "np", "npt"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.single]
    IntArray = npt.NDArray[np.intc]
else:
    from typing import ForwardRef

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
    # With the module in which they mean something: typing.get_type_hints() and Pydantic look there.
    FloatArray = ForwardRef("npt.NDArray[np.single]", module=__name__)
    IntArray = ForwardRef("npt.NDArray[np.intc]", module=__name__)
