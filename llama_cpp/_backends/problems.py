"""Explains why a backend has no device, and how to get one."""

from __future__ import annotations

import os
import re
from typing import Dict, NamedTuple

from .. import _build_info
from .report import report

_DISTRIBUTION = "llama-cpp-python"
_KNOWN = {"cpu", *_build_info.ACCELERATORS}
_MISSING_LIBRARY = re.compile(r"(\S+?\.so[.\d]*): cannot open shared object file")


class Problem(NamedTuple):
    """Why a backend has no device.

    Attributes:
        reason: As in BackendError.reason.
        message: A sentence or two: the fault, and its remedy.
    """

    reason: str
    message: str


def problem_of(name: str) -> Problem:
    """Returns why the backend of this name, which has no device, has none."""
    entries = [entry for entry in report.backends if entry["backend"] == name]
    for state, explain in (("loaded", _no_device), ("failed", _no_library), ("refused", _refused)):
        for entry in entries:
            if entry["state"] == state:
                return explain(entry)
    return _absent(name)


def _facts(name: str) -> Dict[str, str]:
    """Returns the facts of a backend at run time, out of platforms/accelerators.bzl."""
    return _build_info.ACCELERATORS.get(name, {})


def _absent(name: str) -> Problem:
    if name not in _KNOWN:
        others = {entry["backend"] for entry in report.backends}
        known = ", ".join(sorted(others.union(_KNOWN)))
        return Problem("unknown", f"there is no backend {name!r}; take one of {known}.")
    message = (
        f"this installation has no {name} backend (its wheel is for {_build_info.ACCELERATOR})."
    )
    plugin = _facts(name).get("plugin")
    if plugin:
        pinned = f"'{_DISTRIBUTION}[{plugin}]=={_build_info.VERSION}'"
        message += f" Run: pip install {pinned}, or install a wheel that is built for {name}."
    return Problem("absent", message)


def _refused(entry: Dict[str, str]) -> Problem:
    return Problem("version", f"{entry['origin']} cannot be used: {entry['reason']}")


def _no_library(entry: Dict[str, str]) -> Problem:
    name, why = entry["backend"], entry["reason"]
    facts = _facts(name)
    missing = _missing_library(why, facts)
    if missing and missing == facts.get("driver_library"):
        return _no_driver(name, f"there is no {missing}, which is part of the driver")
    if missing:
        return Problem("library", f"{missing} is missing. To fix it, {_get(missing, entry)}.")
    if "driver_missing" in facts and "ggml_backend_init returned NULL" in why:
        return _no_driver(name, facts["driver_missing"])
    return Problem("library", f"{why}. To fix it, {_reinstall(entry)}.")


def _missing_library(why: str, facts: Dict[str, str]) -> str:
    """Returns the library that is missing, or an empty string. Windows does not name it."""
    named = _MISSING_LIBRARY.search(why)
    if named:
        return named[1]
    library = facts.get("windows_library", "")
    return library if os.name == "nt" and library and not _loads(library) else ""


def _get(library: str, entry: Dict[str, str]) -> str:
    for start, text in _build_info.GET_LIBRARY.items():
        if library.startswith(start):
            return text.format(distribution=_distribution(entry))
    return f"install it, or {_reinstall(entry)}"


def _reinstall(entry: Dict[str, str]) -> str:
    pinned = f"{_distribution(entry)}=={_build_info.VERSION}"
    return f"install the backend again: pip install --force-reinstall --no-deps {pinned}"


def _distribution(entry: Dict[str, str]) -> str:
    name = entry["origin"].split(" ")[0]
    return name if name.startswith("llama-cpp-backend-") else _DISTRIBUTION


def _no_driver(name: str, why: str) -> Problem:
    hint = _facts(name).get("driver_hint", "install the driver of its devices")
    return Problem("driver", f"no driver for {name}: {why}. To fix it, {hint}.")


def _no_device(entry: Dict[str, str]) -> Problem:
    name, said = entry["backend"], entry["reason"]
    if "driver version is insufficient" in said or not _has_driver(name):
        return _no_driver(
            name, said or "the backend is loaded, but cannot reach the kernel's driver"
        )
    said = f" ({said})" if said else ""
    variable = _facts(name).get("visible_devices")
    hidden = f", and whether {variable} hides the GPU" if variable else ""
    return Problem(
        "device",
        f"no device for {name}: the backend and its driver are there, and no GPU{said}. Look at"
        f" `python -m llama_cpp info`{hidden}.",
    )


def _has_driver(name: str) -> bool:
    """Returns whether the driver that a backend needs is there, as far as that can be seen."""
    facts = _facts(name)
    if "driver_file" in facts:
        return os.path.exists(facts["driver_file"])
    return "driver_library" not in facts or _loads(facts["driver_library"])


def _loads(library: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
