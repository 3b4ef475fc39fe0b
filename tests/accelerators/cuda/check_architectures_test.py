"""Tests of the comparison of a library's GPU architectures with the requested ones."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

_CHECKER = os.environ["CHECKER"]
_LISTING = """\
ELF file    1: acc.1.sm_90.cubin
ELF file    2: acc.2.sm_120a.cubin
PTX file    1: acc.1.sm_90.ptx
"""


class CheckArchitecturesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(os.environ["TEST_TMPDIR"], self.id())
        self.folder.mkdir()
        self.report = self.folder / "report"

    def _check(self, *codes: str, cuobjdump: str = f"cat <<'EOF'\n{_LISTING}EOF\n") -> str:
        """Runs it with a stand-in of cuobjdump; returns its complaints."""
        tool = self.folder / "cuobjdump"
        tool.write_text(f"#!/bin/sh\n{cuobjdump}")
        tool.chmod(0o755)
        result = subprocess.run(
            [sys.executable, _CHECKER, tool, "libggml-cuda.so", self.report, *codes],
            capture_output=True,
            text=True,
        )
        self.assertEqual(bool(result.returncode), bool(result.stderr), result.stderr)
        return result.stderr

    def test_what_was_asked_for_passes(self) -> None:
        self.assertEqual(self._check("sm_90", "compute_90", "sm_120a"), "")
        self.assertEqual(self.report.read_text(), "compute_90\nsm_120a\nsm_90\n")

    def test_what_is_missing_is_named(self) -> None:
        complaint = self._check("sm_90", "compute_90", "sm_120a", "sm_75", "sm_80")
        self.assertIn("it has no code for sm_75, sm_80;", complaint)
        self.assertFalse(self.report.exists())

    def test_machine_code_is_no_ptx(self) -> None:
        complaint = self._check("sm_90", "compute_90", "compute_120a")
        self.assertIn("no code for compute_120a and it has code for sm_120a, which", complaint)

    def test_a_file_without_gpu_code_has_nothing(self) -> None:
        self.assertIn("it has no code for sm_90", self._check("sm_90", cuobjdump="exit 0\n"))

    def test_a_failure_of_cuobjdump_is_shown(self) -> None:
        complaint = self._check("sm_90", cuobjdump="echo no such file >&2\nexit 1\n")
        self.assertIn("cuobjdump cannot read it: no such file", complaint)


if __name__ == "__main__":
    unittest.main()
