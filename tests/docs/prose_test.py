"""Comments, docstrings and pages keep to plain English, as far as a program can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from prose import Passage, files, passages

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_WHAT = re.compile(r"\bwhat\b", re.IGNORECASE)
_BY_HAND = re.compile(r"\bby hand\b", re.IGNORECASE)
# Per 1,000 words. rules_python has 0.6.
_MOST_WHATS = 1


@pytest.fixture(scope="module")
def prose() -> list[Passage]:
    found = [passage for path, text in files() for passage in passages(path, text)]
    assert len(found) > 5_000
    return found


def having(pattern: re.Pattern[str], found: Iterable[Passage]) -> list[str]:
    """Returns place and text of each match."""
    return [
        f"{place}: ...{text[max(0, match.start() - 40) : match.end() + 40]}..."
        for place, text in found
        for match in pattern.finditer(text)
    ]


def test_no_comment_begins_with_what(prose: list[Passage]) -> None:
    found = [passage.place for passage in prose if re.match(r"What\b", passage.text)]
    assert not found, "\n".join(found)


def test_what_is_rare(prose: list[Passage], capsys: pytest.CaptureFixture[str]) -> None:
    words = sum(len(_WORD.findall(passage.text)) for passage in prose)
    whats = having(_WHAT, prose)
    rate = 1000 * len(whats) / words
    with capsys.disabled():
        print(f"\n{len(whats)} times `what` in {words} words: {rate:.2f} per 1,000")
    assert rate <= _MOST_WHATS, "\n".join(whats)


def test_nothing_is_done_by_hand(prose: list[Passage]) -> None:
    """`manually` is the word."""
    found = having(_BY_HAND, prose)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a/x.py", '"""One."""\nx = "# no"  # Two.\n# Three\n# four.\n', ["Two.", "Three four."]),
        ("x.bzl", 'f = rule(doc = "One " +\n"two.")\n', ["One two."]),
        ("x.BUILD", "# One.\nx = %{template}\n", ["One."]),
        ("x.cpp", 'f("// no");  // One\n/* Two\n   three. */\n', ["One", "Two three."]),
        ("x.cpp", "// One\n// two.\n\n// Three.\n", ["One two.", "Three."]),
        ("x.sh", "#!/bin/sh\n\n  # One.\necho $#\n", ["One."]),
        ("x.patch", "One.\n\n--- a/x.cpp\n+// Two.\n", ["One."]),
        ("x.md", "# One\n\ntwo\nthree\n", ["# One two three"]),
        ("x.jinja", "# No\n", []),
    ],
)
def test_prose_is_found(path: str, text: str, expected: list[str]) -> None:
    found = [passage.text for passage in passages(path, text)]
    assert [text for text in found if text in expected] == expected
    assert not [text for text in found if "no" in text.lower().split()]
