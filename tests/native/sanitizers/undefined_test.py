"""Undefined behaviour in a library that Python loads ends the process with a report."""

from __future__ import annotations

import signal

import fault_process
import pytest


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("index_out_of_bounds", "index 2 out of bounds for type"),
        ("misaligned_load", "misaligned address"),
        ("signed_overflow", "signed integer overflow: 2147483647 + 1"),
        ("wide_shift", "shift exponent 32 is too large for 32-bit type"),
    ],
)
def test_a_fault_ends_the_process(fault: str, message: str) -> None:
    done = fault_process.run(fault)
    assert done.returncode == -signal.SIGABRT, done.stdout
    assert message in done.stdout
    assert "went on" not in done.stdout


def test_without_a_fault_there_is_no_report() -> None:
    done = fault_process.run("none")
    assert (done.returncode, done.stdout) == (0, "went on\n")
