"""An accelerator's wheel on a machine that lacks the driver, or another library of the user's."""

from __future__ import annotations

import subprocess
import sys

import pytest
from installed_facts import FACTS

pytestmark = pytest.mark.skipif(FACTS.has_driver(), reason=f"this machine has {FACTS.missing[0]}")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "always", "-c", code]
    return subprocess.run(command, capture_output=True, text=True)


def test_importing_costs_one_warning() -> None:
    result = _run("import llama_cpp; print([(d.name, d.backend) for d in llama_cpp.devices()])")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "[('CPU', 'cpu')]\n"
    assert result.stderr.count("RuntimeWarning") == 1
    assert FACTS.reason in result.stderr
    assert FACTS.remedy in result.stderr


def test_the_error_says_what_is_missing() -> None:
    result = _run(f"import llama_cpp; llama_cpp.require_backend({FACTS.accelerator!r})")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert "BackendError" in last
    assert FACTS.reason in last
    assert FACTS.remedy in last
