"""llama_cpp/_core.pyi against the built module."""

import os
import subprocess
import sys

import pytest

# Python's own spelling of annotations differs between versions; the committed stub is written with
# this one.
WRITTEN_WITH = (3, 11)


@pytest.mark.skipif(
    sys.version_info[:2] != WRITTEN_WITH,
    reason=f"the stub is written with Python {'.'.join(map(str, WRITTEN_WITH))}",
)
def test_the_stub_is_up_to_date() -> None:
    check = subprocess.run(
        [sys.executable, os.environ["MAKE_STUB"], "--check", os.environ["STUB"]],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr
