"""Clients that go away at random, for 20 seconds. (soak.py runs longer.)"""

from __future__ import annotations

from pathlib import Path

from soak import soak


def test_twenty_seconds(model_path: str, tmp_path: Path) -> None:
    report = soak(model_path, seconds=20, n_clients=100, directory=tmp_path)
    print(f"{report.requests} requests, {report.slope:.2f} MiB per minute")
    assert report.errors == [] and report.busy == 0
    assert report.requests > 50
    assert "Traceback" not in report.log and " 500 " not in report.log
    # A request leaves nothing behind: a leak of 10 KiB each would be more.
    assert report.memory[-1] - report.memory[len(report.memory) // 2] < max(
        16, report.requests / 2 * 10 / 1024
    )
