"""Loads the accelerators' backends: those of the package, then those of plug-ins.

One that does not load costs one warning, not the CPU.
"""

from __future__ import annotations

import os
import sys

from .native import _core
from .report import backend_entry, report, warn

_PLUGIN_PREFIX = "llama_cpp_backend_"  # of their .dist-info directories


def load_accelerators(libraries: dict[str, str]) -> None:
    """Loads every backend of `libraries` (name -> file) and of plug-ins. Never raises."""
    entries = [backend_entry(name, "this wheel", path) for name, path in libraries.items()]
    directories = _plugin_directories()
    if directories:
        from .plugins import find_plugins

        entries += find_plugins(directories)
    loaded: dict[str, str] = {}
    for entry in entries:
        first = loaded.get(entry["backend"])
        if first:
            entry.update(state="unused", reason=f"{first} has this backend, too")
        elif not entry["state"] and _load_accelerator(entry):
            loaded[entry["backend"]] = entry["origin"]
    report.backends += entries
    for name in dict.fromkeys(entry["backend"] for entry in entries):
        if name not in loaded:
            from .problems import problem_of

            warn(
                f"llama.cpp runs without its {name} backend, on the CPU or another device:"
                f" {problem_of(name).message}"
            )


def _load_accelerator(entry: dict[str, str]) -> bool:
    """Loads one library; a GPU that does not work must not take the CPU away."""
    try:
        entry["registry"], entry["reason"] = _core.load_backend(entry["library"])
        entry["state"] = "loaded"
    except Exception as error:
        entry.update(state="failed", reason=str(error))
    return entry["state"] == "loaded"


def _plugin_directories() -> list[str]:
    """Returns the .dist-info directories of plug-ins.

    Importing importlib.metadata takes a hundred times as long: only an installed plug-in does.
    """
    directories = []
    for place in sys.path:
        try:
            names = os.listdir(place)
        except OSError:
            continue
        directories += [
            os.path.join(place, name)
            for name in sorted(names)
            if name.startswith(_PLUGIN_PREFIX) and name.endswith(".dist-info")
        ]
    return directories
