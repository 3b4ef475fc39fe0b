"""Checks that a wheel matches its name, and nothing else.

    python check_wheel.py WHEEL [--policy FILE] [--accelerator LABEL]

Lists every problem, one sentence each, and exits with 1 if there is one. A manual run takes its
expectations from the file name; the build, which runs this on every wheel (py_abi_wheel.bzl),
passes those of the toolchain and the platform. Needs the packages `packaging` and `pyelftools`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from checks import archive, metadata, names, native, sbom
from checks.policy import Policy, read_policy
from checks.wheel import Expected, UnreadableWheel, expected_from_name, read_wheel


def problems(
    path: Path,
    expected: Optional[Expected] = None,
    accelerator: Optional[str] = None,
    policy: Optional[Policy] = None,
) -> list[str]:
    """Returns one sentence for everything that is wrong with a wheel.

    Args:
        path: The wheel.
        expected: The build's facts; None to use those of its file name.
        accelerator: Where only the file name says it, the accelerator that it was built for; None
            for the local label.
        policy: Where only the file name says it, the policy of its project; None for one without
            accelerators.
    """
    try:
        expected = expected or expected_from_name(path, accelerator, policy or Policy())
        wheel = read_wheel(path)
    except UnreadableWheel as error:
        return [str(error)]
    checks = [archive.check(wheel)]
    checks += [module.check(wheel, expected) for module in (names, metadata, native, sbom)]
    # Two checks that miss the same file say the same.
    return list(dict.fromkeys(problem for check in checks for problem in _guarded(check)))


def _guarded(check: Iterator[str]) -> Iterator[str]:
    """Ends a check at unreadable content with that problem; the others go on."""
    try:
        yield from check
    except UnreadableWheel as error:
        yield str(error)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Checks that a wheel's contents are those that its name promises."
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument(
        "--accelerator", help="the wheel's accelerator (default: that of its local label)"
    )
    parser.add_argument(
        "--policy",
        type=Path,
        help="JSON file of a wheel_policy (default: one without accelerators)",
    )
    parser.add_argument(
        "--expect", type=Path, help="JSON file with the build's facts about the wheel"
    )
    parser.add_argument(
        "--report", type=Path, help="file to write when the wheel is good, for Bazel"
    )
    arguments = parser.parse_args()
    arguments.policy = read_policy(arguments.policy) if arguments.policy else Policy()
    known = sorted(arguments.policy.accelerator_libraries)
    if arguments.accelerator and arguments.accelerator not in known:
        parser.error(f"--accelerator is {arguments.accelerator!r}; take one of {', '.join(known)}")
    return arguments


def main() -> int:
    """Returns the exit code."""
    arguments = _parse()
    expected = None
    if arguments.expect:
        facts = json.loads(arguments.expect.read_text(encoding="utf-8"))
        expected = Expected(**facts, policy=arguments.policy)
    found = problems(arguments.wheel, expected, arguments.accelerator, arguments.policy)
    if found:
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        print(f"{arguments.wheel.name} has {count}:", *found, sep="\n  ", file=sys.stderr)
        return 1
    if arguments.report:
        arguments.report.write_text("", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
