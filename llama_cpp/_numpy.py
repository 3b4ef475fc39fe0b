"""NumPy, imported when something of it is first used: that takes as long as all of this package.

Modules that a program imports without ever making an array take ``np`` and ``npt`` from here, and
types that are evaluated at import take ``FloatArray`` and ``IntArray``.
"""

from __future__ import annotations

import _thread
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, ForwardRef, List

__all__ = ["FloatArray", "IntArray", "np", "npt"]

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.single]
    IntArray = npt.NDArray[np.intc]
else:

    def _is_imported(name: str) -> bool:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        return spec is not None and not getattr(spec, "_initializing", False)

    def _import(name: str) -> Any:
        """Imports a module in another thread, where Python runs no signal handlers.

        The exception of one, such as KeyboardInterrupt, would leave NumPy half imported, which
        refuses to be imported again, or importlib's locks taken. Waiting for a thread may end with
        it; the thread goes on.
        """
        errors: List[BaseException] = []

        def run() -> None:
            try:
                import_module("numpy")  # to its end, if a thread of the program is at it
                import_module(name)
            except BaseException as error:
                errors.append(error)
            finally:
                running.release()

        if not _is_imported(name):
            # Of threading's locks, written in Python, some would stay taken after an exception.
            running = _thread.allocate_lock()
            running.acquire()
            _thread.start_new_thread(run, ())
            running.acquire()
            if errors:
                raise errors[0]
        return sys.modules[name]

    class _Lazy:
        """A module whose attributes are looked up there once, and then kept."""

        def __init__(self, module: str) -> None:
            self._name = module
            self._module = None

        def __getattr__(self, name: str) -> Any:
            # Kept too: sys.modules has a lock in free-threaded Python. A daemon thread that is
            # handed it while the program ends never gives it back, and the exit waits for it.
            if self._module is None:
                self._module = _import(self._name)
            value = getattr(self._module, name)
            setattr(self, name, value)
            return value

    np = _Lazy("numpy")
    npt = _Lazy("numpy.typing")
    # With the module in which they mean something: typing.get_type_hints() and Pydantic look there.
    FloatArray = ForwardRef("npt.NDArray[np.single]", module=__name__)
    IntArray = ForwardRef("npt.NDArray[np.intc]", module=__name__)
