"""Prints ``N passed, M failed, K skipped`` from the test.xml files of Bazel's test logs.

Usage: count_tests.py EXIT_STATUS DIRECTORY. If Bazel failed without a failed test (a target that
does not build, say), that is one failure.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case: ElementTree.Element) -> str:
    """passed, failed or skipped, for one <testcase>."""
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


def count(folder: Path) -> Counter[str]:
    """Outcomes of all test cases below `folder`."""
    outcomes: Counter[str] = Counter()
    for path in sorted(folder.glob("**/test.xml")):
        cases = list(ElementTree.parse(path).iter("testcase"))
        outcomes.update(outcome(case) for case in cases)
    return outcomes


def main() -> None:
    status, folder = int(sys.argv[1]), Path(sys.argv[2])
    outcomes = count(folder) if folder.is_dir() else Counter()
    if status and not outcomes["failed"]:
        outcomes["failed"] += 1
    print(
        f"{outcomes['passed']} passed, {outcomes['failed']} failed, {outcomes['skipped']} skipped"
    )


if __name__ == "__main__":
    main()
