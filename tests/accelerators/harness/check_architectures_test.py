"""The comparison of a library's GPU architectures with those requested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from architecture_facts import CASES, arguments
from architectures import Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_check(case: Case, tmp_path: Path) -> None:
    report = tmp_path / "report"
    words = [*arguments(tmp_path, case.content), report, *case.requested]
    command = [sys.executable, os.environ["CHECKER"], *words]
    result = subprocess.run(command, capture_output=True, text=True)
    assert bool(result.returncode) == bool(result.stderr) == bool(case.complaint), result.stderr
    assert case.complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert report.exists() == (not case.complaint)
    if not case.complaint:
        assert report.read_text() == "".join(f"{line}\n" for line in case.report)


def test_there_are_both_results() -> None:
    assert {bool(case.complaint) for case in CASES} == {False, True}
