"""Writes the table of docs/caching.md out of the tests' counts.

    ./bazelw test //tests/caches/... //tests/package/consumers/... //bazel/testing/...
    python3 tests/caches/update_table.py

The tests fail while the page says something else, and leave their counts all the same.
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]
sys.path += [str(_PROJECT / folder) for folder in ("bazel/testing", "tools/cache_report")]

from counts import HEADER, ROWS_FILE, Row  # noqa: E402

_PAGE = _PROJECT / "docs/caching.md"
_LOGS = _PROJECT / "bazel-testlogs"
# In the order of the table.
_TESTS = [
    "caches/wheel_test",
    "package/consumers/monorepo_test",
    "caches/stale_test",
    "caches/toolkit_test",
    "caches/reproducibility/reproducibility_test",
]
_BEGIN = "<!-- Written by tests/caches/update_table.py -->\n"
_END = "<!-- End of what is written -->\n"


def _rows(test: str) -> list[Row]:
    """Returns the lines that a test has left. Raises SystemExit where it was not run."""
    outputs = _LOGS / "tests" / test / "test.outputs/outputs.zip"
    try:
        with zipfile.ZipFile(outputs) as archive:
            return [Row(**row) for row in json.loads(archive.read(ROWS_FILE))]
    except (OSError, KeyError):
        sys.exit(
            f"{outputs} has no {ROWS_FILE}; "
            f"run ./bazelw test //tests/{':'.join(test.rsplit('/', 1))}"
        )


def main() -> None:
    """Rewrites the text between the two marks."""
    lines = [row.line() for test in _TESTS for row in _rows(test)]
    before, begin, rest = _PAGE.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        sys.exit(f"{_PAGE} has lost its marks: {_BEGIN.strip()} and {_END.strip()}")
    _PAGE.write_text(before + begin + HEADER + "\n".join(lines) + "\n" + end + after)


if __name__ == "__main__":
    main()
