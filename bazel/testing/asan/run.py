"""Runs a program with AddressSanitizer in all of its processes: ``run.py PROGRAM ARGUMENT...``

For `--run_under`. Python is not compiled with the sanitizer, so its library is preloaded. Processes
write their reports into a directory, because a test seldom shows the output of its child
processes. The status is the program's, or 1 if that is 0 and there is a finding.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from asan_reports import STACK_FORMAT, findings

_LIBRARY = Path(__file__).with_name("libasan.so.8")


def _options(reports: str) -> str:
    return ":".join(
        [
            f"log_path={reports}/report",
            f'stack_trace_format="{STACK_FORMAT}"',
            # A test that expects an error of the child process does not take the abort for one.
            "abort_on_error=1",
            # As without the sanitizer: too large a size is an error of the caller's.
            "allocator_may_return_null=1",
            "detect_leaks=1",
            # Blocks that are kept after their end, to find accesses: tests bound the memory.
            "quarantine_size_mb=32",
        ]
    )


def _environment(reports: str) -> dict[str, str]:
    return {
        **os.environ,
        "ASAN_OPTIONS": _options(reports),
        # findings() decides about leaks.
        "LSAN_OPTIONS": "exitcode=0",
        "LD_PRELOAD": str(_LIBRARY.absolute()),
        # Objects in arenas of Python's own would not be searched for references.
        "PYTHONMALLOC": "malloc",
    }


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="asan-") as reports:
        status = subprocess.call(sys.argv[1:], env=_environment(reports))
        found = [
            finding
            for report in sorted(Path(reports).iterdir())
            for finding in findings(report.read_text(errors="replace"))
        ]
    for finding in found:
        print(finding, file=sys.stderr)
    if found:
        print(f"AddressSanitizer: {len(found)} findings in {sys.argv[1]}", file=sys.stderr)
    if status < 0:
        return 128 - status
    return status or (1 if found else 0)


if __name__ == "__main__":
    sys.exit(main())
