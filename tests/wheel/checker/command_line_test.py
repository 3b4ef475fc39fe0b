"""All problems at once, expectations of the build, the command line, unreadable files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import check_wheel
from changes import Check, assert_only, expected, relabel, set_library
from checks.policy import Policy
from draft import Draft


def test_every_problem_is_listed_at_once(draft: Draft, check: Check) -> None:
    draft.record["toy/py.typed"] = None
    draft.metadata("License-File: LICENSE\n", "")
    draft.metadata("+cpu", "+cu12")
    set_library(draft, needed=("libgomp.so.1",))
    assert_only(
        check(draft),
        "not in RECORD",
        "local label",
        "no License-File for it",
        r"needs libgomp\.so\.1",
    )


def test_the_build_knows_better_than_the_file_name(draft: Draft, check: Check, policy) -> None:
    assert check(draft, expected=expected(draft, policy)) == []
    problems = check(
        draft, expected=expected(draft, policy, ext_suffix=".cpython-399-x86_64-linux-gnu.so")
    )
    assert_only(problems, r"has the suffix \S+, the ABI cp3\d+ of the wheel \.cpython-399-")
    problems = check(draft, expected=expected(draft, policy, version="9.9.9+cpu"))
    assert re.search(
        r"the file is called \S+, but the build says toy_wheel-9\.9\.9\+cpu-", problems[0]
    )


def test_a_label_of_another_accelerator(draft: Draft, check: Check, policy) -> None:
    relabel(draft, "cu12")
    assert_only(
        check(draft, expected=expected(draft, policy)),
        "the local label is 'cu12', but the wheel was built for 'cpu'",
    )


def test_a_label_of_ones_own(draft: Draft, check: Check, policy) -> None:
    relabel(draft, "mine.1")
    assert check(draft, expected=expected(draft, policy)) == []


def test_an_accelerator_without_a_policy(draft: Draft, check: Check, policy) -> None:
    problems = check(draft, expected=expected(draft, policy, accelerator="npu"))
    assert_only(
        problems, "the accelerator 'npu' has no row in `accelerator_libraries` of the policy"
    )


def test_the_command_line(draft: Draft, toy_wheel: Path, tmp_path: Path) -> None:
    def run(wheel: Path, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, check_wheel.__file__, str(wheel), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = run(toy_wheel)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    draft.record["toy/py.typed"] = None
    bad = run(draft.write(tmp_path))
    assert bad.returncode == 1
    assert re.match(
        rf"{re.escape(draft.name)} has 1 problem:\n  toy/py\.typed: is in the archive .*\n$",
        bad.stderr,
    )
    unknown = run(toy_wheel, "--accelerator", "npu")
    assert unknown.returncode == 2
    assert "--accelerator is 'npu'; take one of cpu" in unknown.stderr


def test_the_policy_is_the_callers(draft: Draft, check: Check) -> None:
    relabel(draft, "npu")
    set_library(draft, needed=("libnpu.so.1",))
    assert_only(check(draft), r"needs libnpu\.so\.1, which is neither in the wheel")
    policy = Policy(accelerator_libraries={"npu": frozenset(["libnpu.so.1"])})
    assert check(draft, policy=policy) == []
    set_library(draft, soname="libggml-base.so")
    assert_only(
        check(draft, accelerator="cpu", policy=Policy()), "under which nothing finds a file"
    )
    policy = Policy(
        taken_library_prefixes=("libggml",), taken_library_advice="as in many; rename it"
    )
    assert_only(
        check(draft, policy=policy), r"has the soname libggml-base\.so, as in many; rename it"
    )


def test_a_file_that_is_no_archive(draft: Draft, tmp_path: Path) -> None:
    wheel = draft.write(tmp_path)
    wheel.write_bytes(wheel.read_bytes()[:-100])
    assert_only(check_wheel.problems(wheel), "it is no readable zip file")
    wheel.write_bytes(b"")
    assert_only(check_wheel.problems(wheel), "it is no readable zip file")


def test_no_file(tmp_path: Path, toy_wheel: Path) -> None:
    problems = check_wheel.problems(tmp_path / toy_wheel.name)
    assert_only(problems, r"it is no readable zip file \(.*No such file")


def test_a_flipped_bit(draft: Draft, tmp_path: Path) -> None:
    wheel = draft.write(tmp_path)
    data = bytearray(wheel.read_bytes())
    # The archive stores files as they are, so this lands in the module's text.
    data[data.index(b"The package of toy_wheel")] ^= 1
    wheel.write_bytes(data)
    assert_only(
        check_wheel.problems(wheel),
        r"it is no readable zip file \(Bad CRC-32 for file 'toy/__init__\.py'\)",
    )
