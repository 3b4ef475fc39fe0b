"""Facts about the checker of a CUDA library's GPU architectures, which reads cuobjdump's list."""

from __future__ import annotations

from pathlib import Path

from architectures import Case

_LISTING = """\
ELF file    1: acc.1.sm_90.cubin
ELF file    2: acc.2.sm_120a.cubin
PTX file    1: acc.1.sm_90.ptx
"""
_LIST = f"cat <<'EOF'\n{_LISTING}EOF\n"


def arguments(folder: Path, script: str) -> list[str]:
    """Makes a stand-in of cuobjdump out of a shell script."""
    tool = folder / "cuobjdump"
    tool.write_text(f"#!/bin/sh\n{script}")
    tool.chmod(0o755)
    return [str(tool), "libggml-cuda.so"]


CASES = [
    Case(
        "the_requested_ones",
        _LIST,
        ["sm_90", "compute_90", "sm_120a"],
        report=("compute_90", "sm_120a", "sm_90"),
    ),
    Case(
        "missing",
        _LIST,
        ["sm_90", "compute_90", "sm_120a", "sm_75", "sm_80"],
        "it has no code for sm_75, sm_80;",
    ),
    Case(
        "machine_code_is_no_ptx",
        _LIST,
        ["sm_90", "compute_90", "compute_120a"],
        "no code for compute_120a and it has code for sm_120a, which",
    ),
    Case("without_gpu_code", "exit 0\n", ["sm_90"], "it has no code for sm_90"),
    Case(
        "cuobjdump_fails",
        "echo no such file >&2\nexit 1\n",
        ["sm_90"],
        "cuobjdump cannot read it: no such file",
    ),
]
