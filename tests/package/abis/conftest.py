"""Says in the log which interpreter is tested; the one that runs pytest is another."""

from __future__ import annotations

import os
import subprocess


def pytest_report_header() -> str:
    version = subprocess.run(
        [os.environ["TEST_PYTHON"], "-I", "-VV"], capture_output=True, text=True, check=True
    )
    return f"tested: {os.environ['ABI']}, {version.stdout.strip()}"
