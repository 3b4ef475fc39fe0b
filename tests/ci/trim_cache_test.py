"""The cache is trimmed by the time of use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def _fill(directory: Path) -> dict[str, Path]:
    """Returns three files of 1,000 bytes, whose times of use are in the order of their names."""
    files = {}
    for time, name in enumerate(["ac/00/first", "cas/11/second", "cas/22/third"], start=1):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1000))
        os.utime(path, (time, time))
        files[path.name] = path
    return files


def _trim(tree: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, tree / ".ci/trim_cache.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def _left(files: dict[str, Path]) -> list[str]:
    return [name for name, path in files.items() if path.exists()]


def test_the_least_recently_used_go_first(tree: Path, tmp_path: Path) -> None:
    files = _fill(tmp_path)
    os.utime(files["first"], (9, 9))
    assert _trim(tree, tmp_path, 2000e-9).returncode == 0
    assert _left(files) == ["first", "third"]


def test_a_small_cache_stays(tree: Path, tmp_path: Path) -> None:
    files = _fill(tmp_path)
    assert _trim(tree, tmp_path, 3000e-9).returncode == 0
    assert _left(files) == ["first", "second", "third"]


def test_a_job_that_failed_early_has_no_cache(tree: Path, tmp_path: Path) -> None:
    assert _trim(tree, tmp_path / "none", 1).returncode == 0


def test_wrong_arguments(tree: Path, tmp_path: Path) -> None:
    run = _trim(tree, tmp_path)
    assert run.returncode == 2 and "trim_cache.py DIRECTORY GIGABYTES" in run.stderr
