"""NumPy, imported when something of it is first used: that takes as long as all of this package.

Modules that a program imports without ever making an array take ``np`` and ``npt`` from here, and
types that are evaluated at import take ``FloatArray`` and ``IntArray``.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import Any, List

__all__ = ["FloatArray", "IntArray", "np", "npt"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.single]
    IntArray = npt.NDArray[np.intc]
else:
    from typing import ForwardRef

    def _import(module: str) -> Any:
        """Imports it in another thread, where Python runs no signal handlers.

        The exception of one, such as KeyboardInterrupt, would leave NumPy half imported, and it
        refuses to be imported again.
        """
        errors: List[BaseException] = []

        def run() -> None:
            try:
                import_module(module)
            except BaseException as error:
                errors.append(error)

        if module not in sys.modules:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
        if errors:
            raise errors[0]
        return import_module(module)

    class _Lazy:
        """A module whose attributes are looked up there once, and then kept."""

        def __init__(self, module: str) -> None:
            self._module = module

        def __getattr__(self, name: str) -> Any:
            value = getattr(_import(self._module), name)
            setattr(self, name, value)
            return value

    np = _Lazy("numpy")
    npt = _Lazy("numpy.typing")
    # With the module in which they mean something: typing.get_type_hints() and Pydantic look there.
    FloatArray = ForwardRef("npt.NDArray[np.single]", module=__name__)
    IntArray = ForwardRef("npt.NDArray[np.intc]", module=__name__)
