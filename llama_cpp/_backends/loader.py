"""Loads the native backends, once, when ``llama_cpp`` is imported.

The wheel carries one CPU backend per instruction-set level (``lib/libggml-cpu-<variant>.so``).
Exactly one of them is loaded:

1. ``LLAMA_CPP_CPU_VARIANT=<variant>`` forces one.
2. Else the choice remembered for this machine and these very files is taken.
3. Else ``lib/ggml-cpu-probe`` scores all variants for this CPU, and checks them from the best score
   down by computing a small quantised matrix product. The first variant that passes is loaded and
   remembered.

Whatever goes wrong, importing succeeds: the reasons are kept in the report, shown by
``python -m llama_cpp info``, and raised as ``BackendError`` by the first use that needs a backend.
That also holds for a forced variant that is unknown or cannot run here.

Beside the package's own ``lib`` directory only plug-ins are searched. llama.cpp itself searches the
working directory while its registry is empty, so nothing in this package calls into it before
``require_ready()`` or ``backend_loaded()`` said yes.

This package runs at every import, so its modules import others when they need them.
"""

from __future__ import annotations

from .accelerators import load_accelerators
from .cpu import load_cpu
from .libraries import libraries
from .report import report


def load() -> None:
    """Loads one CPU backend and every accelerator backend of this build. Never raises."""
    cpu, accelerators = libraries()
    load_cpu(cpu)
    if report.variant:
        load_accelerators(accelerators)
