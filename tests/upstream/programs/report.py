"""Prints the outcomes of upstream's tests: passed, failed, or skipped on this processor.

    ./bazelw run //tests/upstream/programs:report

Reads `bazel-testlogs` of the workspace, so it shows the runs of the last `./bazelw test`.
"""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

_LOGS = "bazel-testlogs/tests/upstream/programs"
_OUTCOMES = ("passed", "skipped", "failed")


def outcome(report: Path) -> str:
    """Returns one of _OUTCOMES for a test.xml."""
    root = ElementTree.parse(report).getroot()
    tags = {element.tag for element in root.iter()}
    if tags & {"error", "failure"}:
        return "failed"
    return "skipped" if "skipped" in tags else "passed"


def lines(logs: Path) -> list[str]:
    """Returns a table: test -> the variants, or the test itself, by outcome."""
    tests: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for report in sorted(logs.glob("test-*/test.xml")):
        name, _, variant = report.parent.name.partition("_")
        tests[name][outcome(report)].append(variant)
    result = [f"{'':32}" + "".join(f"{word:>9}" for word in _OUTCOMES)]
    for name, outcomes in tests.items():
        counts = "".join(f"{len(outcomes[word]):9}" for word in _OUTCOMES)
        named = [f"{word}: {' '.join(outcomes[word])}" for word in _OUTCOMES[1:] if outcomes[word]]
        result.append(f"{name:32}{counts}  {'; '.join(named)}".rstrip())
    return result


def main() -> int:
    logs = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")) / _LOGS
    table = lines(logs)
    if len(table) == 1:
        print(f"report.py: no outcomes in {logs}", file=sys.stderr)
        print("Run: ./bazelw test //tests/upstream/programs/...", file=sys.stderr)
        return 1
    print("\n".join(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
