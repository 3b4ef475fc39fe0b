"""Differences of keys in words, for a table and for a picture."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable

from actions import Action
from key_differences import Cause, Change

# Longer values are shown by where they differ.
_VALUE = 48
_CONTEXT = 12
_DIGEST = 12
_CHANGES = 3

_WHOLE = {
    "not in the first log": "not in the first log: new, or it was up to date there",
    "may not be cached": "may not be cached (a tag, or --nocache_test_results)",
    "same key": "same key: no cache that was asked had the result",
    "something that the log does not hold": "key differs by something that the log does not hold",
}


def sentence(cause: Cause) -> str:
    """Returns the differences, in a line; of many changes the first ones."""
    if cause.kind in _WHOLE:
        return _WHOLE[cause.kind]
    if cause.kind == "made by":
        # Each is a cause, or a consequence, with a line of its own.
        return f"outputs of other actions that changed: {_listed(cause.changes)}"
    return f"{cause.kind}: {_listed(cause.changes)}"


def counts(actions: Iterable[Action]) -> str:
    """Returns which kinds of actions these are."""
    kinds = collections.Counter(action.mnemonic for action in actions)
    return ", ".join(f"{kind} {number}" for kind, number in kinds.most_common())


def _listed(changes: tuple[Change, ...]) -> str:
    texts = list(map(_change, changes[:_CHANGES]))
    if len(changes) > _CHANGES:
        texts.append(f"and {len(changes) - _CHANGES} more")
    return ", ".join(texts)


def _change(change: Change) -> str:
    before, after = change.before, change.after
    if change.kind in ("input", "tool"):
        if before is None:
            return f"{change.name} (new)"
        if after is None:
            return f"{change.name} (gone)"
        return f"{change.name} ({before[:_DIGEST]} -> {after[:_DIGEST]})"
    if before is None and after is None:
        return change.name
    values = _values(before, after)
    return f"{change.name}: {values}" if change.name else values


def _values(before: str | None, after: str | None) -> str:
    if before is None:
        return f"{_short(after or '')} (new)"
    if after is None:
        return f"{_short(before)} (gone)"
    if max(len(before), len(after)) > _VALUE:
        start = len(os.path.commonprefix([before, after]))
        end = len(os.path.commonprefix([before[start:][::-1], after[start:][::-1]]))
        before, after = (_middle(text, start, end) for text in (before, after))
    return f"{_short(before)} -> {_short(after)}"


def _middle(text: str, start: int, end: int) -> str:
    """Leaves out the common part of two long values, but for a little context."""
    first, last = max(0, start - _CONTEXT), min(len(text), len(text) - end + _CONTEXT)
    return f"{'...' * (first > 0)}{text[first:last]}{'...' * (last < len(text))}"


def _short(text: str) -> str:
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= 2 * _VALUE else f"{text[: 2 * _VALUE]}..."
