"""Runs a fault of faults.c in a child process of Python."""

from __future__ import annotations

import os
import subprocess
import sys

_CALL = """
import ctypes, sys
getattr(ctypes.CDLL(sys.argv[1]), sys.argv[2])(0)
print("went on")
"""


def run(fault: str, *launcher: str) -> subprocess.CompletedProcess[str]:
    """Returns the result of a child process that calls a function of faults.c.

    Args:
        fault: the function.
        *launcher: program, and its arguments, that the child process is started by.
    """
    return subprocess.run(
        [*launcher, sys.executable, "-c", _CALL, os.environ["FAULTS"], fault],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
