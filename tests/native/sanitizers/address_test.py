"""Faults of memory in a library that Python loads are findings of //bazel/testing/asan."""

from __future__ import annotations

import os
import signal

import fault_process
import pytest


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("heap_overflow", "heap-buffer-overflow"),
        ("stack_overflow", "stack-buffer-overflow"),
        ("use_after_free", "heap-use-after-free"),
    ],
)
def test_a_fault_ends_the_process(fault: str, message: str) -> None:
    done = fault_process.run(fault, os.environ["RUN"])
    assert done.returncode == 128 + signal.SIGABRT, done.stdout
    assert f"ERROR: AddressSanitizer: {message}" in done.stdout
    assert f" in {fault} " in done.stdout
    assert "went on" not in done.stdout


def test_a_leak_is_a_finding_at_the_end() -> None:
    done = fault_process.run("leak", os.environ["RUN"])
    assert done.returncode == 1, done.stdout
    assert "went on" in done.stdout
    assert "Direct leak of 10 byte(s) in 1 object(s)" in done.stdout
    assert "faults.c:" in done.stdout


def test_without_a_fault_there_is_no_report() -> None:
    done = fault_process.run("none", os.environ["RUN"])
    assert (done.returncode, done.stdout) == (0, "went on\n")
