"""Explains why the native module could not be loaded: another package's files are in its place.

Imported only after a failure.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import List

_OUR_NAMES = "libllama_cpp_python-"
_PROBLEM = "llama_cpp cannot use its own copy of llama.cpp"
_MAPS = "/proc/self/maps"


def explain(error: ImportError) -> ImportError:
    """Returns the error with the foreign files and the remedy, or as it is where there are none."""
    files = _foreign_files()
    if not files or _PROBLEM in str(error):  # the native module's own check
        return error
    return ImportError(
        f"{_PROBLEM}: {', '.join(files)} was loaded before, under"
        f" the same name ({error}).\nImport llama_cpp before the package that loads that file, or"
        " unset LD_PRELOAD if it names the file.",
        name=error.name,
        path=error.path,
    )


def _foreign_files() -> List[str]:
    """Returns the loaded files with names of ours that are not in our directory."""
    spec = find_spec("llama_cpp._core")
    if spec is None or spec.origin is None:
        return []
    own = os.path.realpath(os.path.join(os.path.dirname(spec.origin), "lib"))
    try:
        with open(_MAPS, encoding="utf-8", errors="surrogateescape") as maps:
            paths = {line.rstrip("\n").partition("/")[2] for line in maps if _OUR_NAMES in line}
    except OSError:  # another system
        return []
    return sorted("/" + path for path in paths if os.path.dirname("/" + path) != own)
