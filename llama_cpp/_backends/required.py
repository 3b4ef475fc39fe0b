"""Requires backends: a CPU to run on, and the accelerator that a program or its user asks for."""

from __future__ import annotations

import os

from .report import require_cpu

__all__ = ["require_backend"]

REQUIRE_VARIABLE = "LLAMA_CPP_REQUIRE_BACKEND"

_satisfied: set[str] = set()  # values of LLAMA_CPP_REQUIRE_BACKEND that hold


def require_ready() -> None:
    """Raises BackendError with the reasons unless a CPU backend is loaded.

    Also unless the backend that LLAMA_CPP_REQUIRE_BACKEND names has a device.
    """
    require_cpu()
    required = os.environ.get(REQUIRE_VARIABLE, "").strip()
    if required and required not in _satisfied:
        _require(required, f"{REQUIRE_VARIABLE}={required}: ")
        _satisfied.add(required)


def require_backend(name: str) -> None:
    """Raises BackendError unless there is a device of a backend, such as ``"cuda"``.

    The error's `reason` tells the cases apart: ``unknown`` (no backend has this name), ``absent``
    (not in this installation), ``version`` (a plug-in of another build), ``library`` (it does not
    load), ``driver`` or ``device`` (it loads, and finds none).
    """
    require_ready()
    _require(name, "")


def _require(name: str, prefix: str) -> None:
    from .._errors import BackendError
    from .devices import devices
    from .problems import problem_of

    name = name.lower()
    if not any(device.backend == name for device in devices()):
        reason, message = problem_of(name)
        error = BackendError(f"{prefix}{message}")
        error.reason = reason
        raise error
