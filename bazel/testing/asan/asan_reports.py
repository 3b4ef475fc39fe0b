"""Findings in the reports of AddressSanitizer and LeakSanitizer."""

from __future__ import annotations

import re
from pathlib import Path

# A frame as STACK_FORMAT has it.
STACK_FORMAT = "    #%n %p in %f %L [%m]"
_FRAME = re.compile(r"^    #\d+ 0x[0-9a-f]+ .* \[(?P<module>.*)\]$", re.MULTILINE)
# Each leak is a paragraph.
_LEAK = re.compile(r"^(?:Direct|Indirect) leak of .*?(?=^$)", re.MULTILINE | re.DOTALL)
# In the list of needed libraries of all code that is compiled with the sanitizer.
_RUNTIME = "libasan.so.8"


def _is_compiled_with_it(module: str) -> bool:
    """Returns whether a frame's module is of this build; one that is gone counts as such."""
    try:
        return _RUNTIME.encode() in Path(module).read_bytes()
    except OSError:
        return True


def _is_ours(leak: str) -> bool:
    """Returns whether code of this build allocated the memory.

    A Python program leaves memory of the interpreter and of other packages behind; the callers'
    frames say nothing, since all of them are below the interpreter's.
    """
    for frame in _FRAME.finditer(leak):
        if Path(frame["module"]).name != _RUNTIME:
            return _is_compiled_with_it(frame["module"])
    return True


def findings(report: str) -> list[str]:
    """Returns the leaks of a report that are ours, or else the whole report.

    Args:
        report: the text that the sanitizer wrote for one process.
    """
    if "ERROR: LeakSanitizer: detected memory leaks" not in report:
        return [report]
    return [leak for leak in _LEAK.findall(report + "\n") if _is_ours(leak)]
