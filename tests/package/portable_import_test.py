"""The package imports where Python has no POSIX: on Windows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import llama_cpp


def test_every_module_imports_without_posix() -> None:
    worker = Path(__file__).parent / "portable_import_worker.py"
    child = subprocess.run([sys.executable, str(worker)], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    answer = json.loads(child.stdout)
    libraries = os.path.join(os.path.dirname(llama_cpp.__file__), "lib")
    assert answer["given"] == answer["closed"] == [libraries]
    assert {"llama_cpp.llama", "llama_cpp._backends.memory"} < set(answer["modules"])
