"""A target survives its corpus, and input without a byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import replay

NAME = os.environ["FUZZ_TARGET"]
CORPUS = [Path(file).absolute() for file in os.environ["FUZZ_CORPUS"].split()]


def test_corpus(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    command = [sys.executable, replay.__file__, NAME, empty, *CORPUS]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert result.returncode == 0, result.stdout[-500:] + result.stderr[-5000:]
    assert result.stdout.count("input ") == len(CORPUS) + 1 > 1
