"""report.py, on reports as Bazel and prologue.cpp write them."""

from __future__ import annotations

from pathlib import Path

import pytest
import report

_REPORTS = {
    "test-log": "<testcase name='a'/>",
    "test-rope_x64": "<testcase name='a'/>",
    "test-rope_zen4": "<testcase name='a'><skipped/></testcase>",
    "test-rope_haswell": "<testcase name='a'><error message='exit 1'/></testcase>",
}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    for name, case in _REPORTS.items():
        (tmp_path / name).mkdir()
        text = f"<testsuites><testsuite name='{name}'>{case}</testsuite></testsuites>"
        (tmp_path / name / "test.xml").write_text(text)
    return tmp_path


def test_counts_outcomes_and_names_the_variants(logs: Path) -> None:
    rows = [line.split(maxsplit=4) for line in report.lines(logs)[1:]]
    assert rows == [
        ["test-log", "1", "0", "0"],
        ["test-rope", "1", "1", "1", "skipped: zen4; failed: haswell"],
    ]


def test_without_outcomes_it_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    assert report.main() == 1
    assert "./bazelw test //tests/upstream/programs/..." in capsys.readouterr().err
