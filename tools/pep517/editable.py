"""Editable wheels (PEP 660): Python from the source tree, native code from the wheel.

An installed package with outputs of a build (`_core`, `lib/`, `_build_info.py`; the declarations
of the C API) is a directory with those and an `__init__.py` that adds the package's directory of
the source tree and runs the `__init__.py` there. No import hook, and no .pth file that every start
of the interpreter would read.
"""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from ._wheel_rule import record_line

_INIT = '''\
"""Editable installation of llama-cpp-python.

Runs the package in the source tree, with the native code of this directory.
"""

import os
import sys
from importlib.machinery import SourceFileLoader

_SOURCES = {sources!r}

__file__ = os.path.join(_SOURCES, "__init__.py")
if not os.path.isfile(__file__):
    raise ImportError(
        __name__ + " is installed in editable mode from " + _SOURCES + ", which is gone:"
        " run `pip install -e .` where the source tree is now"
    )
__path__.append(_SOURCES)
SourceFileLoader(__name__, __file__).exec_module(sys.modules[__name__])
'''


def make_editable(wheel: Path, root: Path, output: Path) -> None:
    """Writes the editable wheel that belongs to a wheel built from the source tree at `root`."""
    lines = []
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(output, "w") as target:
        entries = source.infolist()
        built = {entry.filename for entry in entries if not (root / entry.filename).is_file()}
        inits = {str(PurePosixPath(name).with_name("__init__.py")) for name in built}
        for entry in entries[:-1]:
            if entry.filename in built:
                data = source.read(entry)
            elif entry.filename in inits:
                data = _INIT.format(sources=str((root / entry.filename).parent)).encode()
            else:
                continue
            target.writestr(entry, data)
            lines.append(record_line(entry.filename, data))
        # The writer of wheels puts RECORD last.
        lines.append(f"{entries[-1].filename},,\n")
        target.writestr(entries[-1], "".join(lines))
