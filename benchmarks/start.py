"""The time that a new process takes: to import the package, and to its first token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sides import Sample, Sides


def import_time(sides: Sides, side: str, code: str) -> Sample:
    """Returns the milliseconds of `python -c code`, less those of an empty program beside it."""
    whole = _milliseconds(sides, side, code)
    return {"milliseconds": whole - _milliseconds(sides, side, "pass")}


def _milliseconds(sides: Sides, side: str, code: str) -> float:
    start = time.perf_counter()
    sides.run(side, ["-c", code])
    return 1000 * (time.perf_counter() - start)


def first_token(sides: Sides, side: str, model: Path, is_cold: bool) -> Sample:
    """Returns the milliseconds from the start of a process to its first token, and its memory.

    `anonymous` and `files` are megabytes that are resident then: of its own, and pages of files,
    which processes share.
    """
    if is_cold:
        drop_from_page_cache(model)
    command = sides.command(side, sides.worker_arguments(side, "start", model))
    start = time.perf_counter()
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout and child.stderr
        line = child.stdout.readline()
        milliseconds = 1000 * (time.perf_counter() - start)
        errors = child.stderr.read()
    if child.returncode or not line:
        sys.exit(f"{' '.join(command['args'])} failed:\n{errors[-3000:]}")
    return {"milliseconds": milliseconds, **json.loads(line)}


def drop_from_page_cache(file: Path) -> None:
    """Makes the next reader of a file read it from the disk."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # only clean pages are dropped
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
