"""Runs the native core's threads under ThreadSanitizer, and a race that it must find."""

from __future__ import annotations

import os
import subprocess

_REPORTED = 66  # exit status of a program in which something was reported


def _run(*variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the program whose path, and arguments, these environment variables hold."""
    return subprocess.run(
        [os.path.abspath(os.environ[variable]) for variable in variables],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_a_race_is_reported() -> None:
    done = _run("RACE")
    assert done.returncode == _REPORTED, done.stdout
    assert "WARNING: ThreadSanitizer: data race" in done.stdout


def test_the_core_has_no_races() -> None:
    done = _run("CORE_THREADS", "CPU_BACKEND", "MODEL")
    assert done.returncode == 0, done.stdout
    assert "ThreadSanitizer" not in done.stdout
