"""Compares the GPU architectures in a library with those asked for.

Usage: check_architectures.py CUOBJDUMP LIBRARY REPORT CODE...

A CODE is `sm_90` for machine code or `compute_90` for PTX. The report lists the codes found.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# Lines such as `ELF file    1: acc.1.sm_90.cubin` and `PTX file    1: acc.1.sm_90.ptx`.
_FILE = re.compile(r"^(ELF|PTX) file .*\.sm_(\w+)\.(?:cubin|ptx)$", re.MULTILINE)
_PREFIXES = {"ELF": "sm_", "PTX": "compute_"}


def architectures(listing: str) -> set[str]:
    """Returns the architectures that cuobjdump lists, in the notation of the command line."""
    return {_PREFIXES[kind] + number for kind, number in _FILE.findall(listing)}


def differences(found: set[str], asked_for: Iterable[str]) -> list[str]:
    """Returns a sentence for each kind of difference."""
    asked = set(asked_for)
    sentences = []
    if missing := sorted(asked - found):
        sentences.append(f"it has no code for {', '.join(missing)}")
    if unasked := sorted(found - asked):
        sentences.append(f"it has code for {', '.join(unasked)}, which nobody asked for")
    return sentences


def main(cuobjdump: str, library: str, report: str, *codes: str) -> int:
    command = [cuobjdump, "--list-elf", "--list-ptx", library]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        print(f"{library}: cuobjdump cannot read it: {result.stderr.strip()}", file=sys.stderr)
        return 1
    found = architectures(result.stdout)
    wrong = differences(found, codes)
    if wrong:
        advice = "compare with --@rules_cuda//cuda:archs"
        print(f"{library}: {' and '.join(wrong)}; {advice}", file=sys.stderr)
        return 1
    Path(report).write_text("".join(f"{code}\n" for code in sorted(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
