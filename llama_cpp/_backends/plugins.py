"""Plug-ins: backends in distributions of their own, such as ``llama-cpp-backend-vulkan``.

A plug-in has an entry point of the group ``llama_cpp.backends``: the name is the backend's, the
value a module with the constants ``VERSION``, ``GGML_VERSION``, ``LLAMA_CPP_COMMIT`` and
``LIBRARY``, the file to load. A backend and the ggml that opens it come out of the same sources, so
a plug-in of another version is refused.

Imported only where the loader has found a plug-in.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import Distribution
from typing import Dict, Iterator, List

from .. import _build_info
from .report import backend_entry

GROUP = "llama_cpp.backends"


def find_plugins(directories: List[str]) -> List[Dict[str, str]]:
    """Returns an entry of the loader's report for every backend of these .dist-info directories.

    Of a distribution that is there twice the first one counts, as it does for Python's imports.
    Nothing is raised: an unreadable one is an entry with the reason.
    """
    found: Dict[str, List[Dict[str, str]]] = {}
    for directory in directories:
        name, _, version = os.path.basename(directory)[: -len(".dist-info")].partition("-")
        name = name.replace("_", "-")
        if name not in found:
            found[name] = list(_entries(directory, name, version))
    return [entry for entries in found.values() for entry in entries]


def _entries(directory: str, name: str, version: str) -> Iterator[Dict[str, str]]:
    for entry_point in Distribution.at(directory).entry_points:
        if entry_point.group == GROUP:
            entry = backend_entry(entry_point.name, f"{name} {version}", "")
            try:
                module = import_module(entry_point.value)
                entry["library"] = module.LIBRARY
                refusal = _refusal(name, module)
            except Exception as error:  # somebody else's code must not break the import of ours
                refusal = (
                    f"its module {entry_point.value} cannot be used"
                    f" ({type(error).__name__}: {error})."
                    f" Run: pip install --force-reinstall --no-deps {name}=={_build_info.VERSION}"
                )
            if refusal:
                entry.update(state="refused", reason=refusal)
            yield entry


def _refusal(name: str, module) -> str:
    """Returns why the plug-in does not belong to this build, and the command to type, else ""."""
    pinned = f"{name}=={_build_info.VERSION}"
    if module.VERSION != _build_info.VERSION:
        return (
            f"it is of version {module.VERSION}, and llama-cpp-python of {_build_info.VERSION}."
            f" Run: pip install {pinned}"
        )
    theirs = (module.GGML_VERSION, module.LLAMA_CPP_COMMIT)
    ours = (_build_info.GGML_VERSION, _build_info.LLAMA_CPP_COMMIT)
    if theirs != ours:
        return (
            f"it is built from ggml {theirs[0]} of commit {theirs[1]}, and llama-cpp-python from"
            f" ggml {ours[0]} of commit {ours[1]}."
            f" Run: pip install --force-reinstall --no-deps {pinned}"
            f" llama-cpp-python=={_build_info.VERSION}"
        )
    return ""
