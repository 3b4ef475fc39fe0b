"""The text that Windows has to generate is that of Linux."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def test_linux_generates_the_text() -> None:
    command = [os.environ["EXAMPLE"], os.environ["LIBRARY"], os.environ["LLAMA_TEST_MODEL"]]
    answer = subprocess.run([*command, "In the beginning"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == Path(os.environ["GENERATED"]).read_text(encoding="utf-8")
