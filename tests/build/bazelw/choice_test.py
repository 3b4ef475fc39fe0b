"""The choice of a Bazel, and when it is made anew."""

from __future__ import annotations

import os

import pytest
import stand_ins
from machine import VERSION, Machine, assert_ran


def test_variable_comes_first_and_needs_nothing_else(machine: Machine) -> None:
    machine.bazel("bazel", "7.7.1", "path")
    other = machine.tool("my-bazel", stand_ins.BAZEL % ("1.0.0", "mine"), machine.folder)
    assert_ran(machine.bazelw(BAZEL=str(other)), "mine")
    assert machine.calls("python3") == []
    assert not machine.cache.exists()


def test_variable_that_names_no_program(machine: Machine) -> None:
    result = machine.bazelw(BAZEL="/nonexistent/bazel")
    assert result.returncode == 1
    assert "BAZEL=/nonexistent/bazel is no program" in result.stderr


def test_path_is_asked_once(machine: Machine) -> None:
    machine.bazel("bazel", "7.4.0", "path")
    first = machine.bazelw("build")
    assert_ran(first, "path")
    assert len(first.stderr.splitlines()) == 1, first.stderr
    second = machine.bazelw("build")
    assert_ran(second, "path")
    assert second.stderr == ""
    assert machine.calls("bazel").count("bazel --version") == 1
    assert len(machine.calls("python3")) == 1


def test_the_newest_versions_are_usable(machine: Machine) -> None:
    machine.bazel("bazel", "10.0.1", "path")
    assert_ran(machine.bazelw(), "path")


@pytest.mark.parametrize("answer", ["bazel 7.3.9", "bazel no_version", "Bazel 99", ""])
def test_unusable_bazel_is_skipped_for_bazelisk(machine: Machine, answer: str) -> None:
    machine.tool("bazel", f"echo '{answer}'")
    machine.bazel("bazelisk", "7.7.1", "bazelisk")
    result = machine.bazelw()
    assert_ran(result, "bazelisk")
    assert f"not using {machine.bin}/bazel:" in result.stderr


def test_failing_bazel_is_skipped(machine: Machine) -> None:
    machine.tool("bazel", "echo bazel 7.7.1; exit 1")
    assert_ran(machine.bazelw(), "debian")


def test_bazelw_does_not_find_itself(machine: Machine) -> None:
    (machine.bin / "bazel").symlink_to(machine.project / "bazelw")
    assert_ran(machine.bazelw(), "debian")


def test_a_bazel_installed_later_is_used(machine: Machine) -> None:
    assert_ran(machine.bazelw(), "debian")
    # Packages keep the dates of their files.
    os.utime(machine.bazel("bazel", "7.7.1", "path"), (0, 0))
    assert_ran(machine.bazelw(), "path")


def test_an_upgraded_bazel_is_asked_again(machine: Machine) -> None:
    machine.bazel("bazel", "6.0.0", "path")
    assert_ran(machine.bazelw(), "debian")
    machine.make_newer(machine.bazel("bazel", "7.7.1", "path"))
    assert_ran(machine.bazelw(), "path")


def test_files_with_dates_in_the_future_do_no_harm(machine: Machine) -> None:
    os.utime(machine.project / "bazel/offline/debian.py", (2**33, 2**33))
    for _ in range(2):
        assert_ran(machine.bazelw(), "debian")


def test_bazelisk_is_told_the_version_of_the_project(machine: Machine) -> None:
    machine.tool("bazel", 'echo "bazel 7.7.1"; echo "told=$USE_BAZEL_VERSION"')
    assert f"told={VERSION}\n" in machine.bazelw().stdout
