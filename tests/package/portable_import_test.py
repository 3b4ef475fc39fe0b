"""The package imports where Python has no POSIX: on Windows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import llama_cpp


def test_every_module_imports_without_posix(run_python) -> None:
    done = run_python((Path(__file__).parent / "portable_import_worker.py").read_text())
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    libraries = os.path.join(os.path.dirname(llama_cpp.__file__), "lib")
    assert answer["given"] == answer["closed"] == [libraries]
    assert {"llama_cpp.llama", "llama_cpp._backends.memory"} < set(answer["modules"])
