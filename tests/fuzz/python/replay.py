"""Runs a target over files: ``replay.py TARGET FILE...``. An input that fails ends the process.

The last lines of the output name the input. An input takes 10 seconds and 1 GiB at most.
"""

from __future__ import annotations

import faulthandler
import importlib
import resource
import sys
from pathlib import Path

_MOST_SECONDS = 10
_MOST_KIBIBYTES = 1 << 20


def _peak() -> int:
    """Returns the most memory that the process has had, in KiB (Linux, getrusage(2))."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    name, *files = sys.argv[1:]
    target = importlib.import_module(name)
    before = _peak()
    for file in files:
        print(f"input {file}", flush=True)
        faulthandler.dump_traceback_later(_MOST_SECONDS, exit=True)
        target.one_input(Path(file).read_bytes())
        faulthandler.cancel_dump_traceback_later()
        if _peak() - before > _MOST_KIBIBYTES:
            sys.exit(f"{file} takes {_peak() - before} KiB")


if __name__ == "__main__":
    faulthandler.enable()
    main()
