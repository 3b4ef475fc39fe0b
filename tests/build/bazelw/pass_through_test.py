"""Arguments, signals, exit codes and directories reach the Bazel that bazelw has chosen."""

from __future__ import annotations

import signal

from machine import Machine, assert_ran, wait_for


def test_arguments_and_exit_code(machine: Machine) -> None:
    machine.bazel("bazel", "7.7.1", "path")
    arguments = ["test", "//...", "a b", "", "*", "$HOME", "--", "-x=\"'"]
    result = machine.bazelw(*arguments, FAKE_EXIT="37")
    assert result.returncode == 37
    passed = [line for line in result.stdout.splitlines() if line.startswith("argument=")]
    assert passed == [f"argument={argument}" for argument in arguments]


def test_a_signal_reaches_bazel_itself(machine: Machine) -> None:
    machine.tool("bazel", 'case $1 in --version) echo "bazel 7.7.1" ;; *) exec sleep 60 ;; esac')
    machine.bazelw("--version")
    process = machine.start("build")
    wait_for(lambda: "bazel build" in machine.calls("bazel"))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM


def test_through_symbolic_links(machine: Machine) -> None:
    machine.bazel("bazel", "7.7.1", "path")
    (machine.folder / "first").symlink_to("a project/bazelw")
    (machine.folder / "second").symlink_to(machine.folder / "first")
    (machine.folder / "linked folder").symlink_to(machine.project)
    assert_ran(machine.bazelw(program=machine.folder / "second"), "path")
    assert_ran(machine.bazelw(program=machine.folder / "linked folder/bazelw"), "path")


def test_outside_of_a_workspace_the_project_is_meant(machine: Machine) -> None:
    machine.bazel("bazel", "7.7.1", "path")
    result = machine.bazelw(cwd=machine.home)
    assert f"folder={machine.project}\n" in result.stdout


def test_inside_a_workspace_the_folder_stays(machine: Machine) -> None:
    machine.bazel("bazel", "7.7.1", "path")
    nested = machine.folder / "consumer/sub folder"
    nested.mkdir(parents=True)
    (machine.folder / "consumer/MODULE.bazel").touch()
    for folder in (nested, machine.project / "bazel"):
        result = machine.bazelw(cwd=folder)
        assert f"folder={folder}\n" in result.stdout
