"""Sums up a build by kind of action."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable

from actions import EXECUTED, Action

# Columns that are there even where they are empty, so that tables can be compared.
_ALWAYS = (EXECUTED, "disk cache hit", "remote cache hit")


@dataclasses.dataclass
class Row:
    """The actions of one mnemonic.

    Attributes:
        outcomes: `executed`, or the cache that had the result -> number of actions.
        output_bytes: Size of all that they made, or fetched.
        wall_seconds: Of all of them, one after the other.
        critical_seconds: How much of the critical path they were; None: not known.
    """

    outcomes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    output_bytes: int = 0
    wall_seconds: float = 0.0
    critical_seconds: float | None = None


@dataclasses.dataclass(frozen=True)
class Summary:
    """One build.

    Attributes:
        name: The file that it was read from.
        rows: By mnemonic, most actions first.
        runners: Runner of executed actions -> number of actions.
    """

    name: str
    rows: dict[str, Row]
    runners: collections.Counter[str]

    @property
    def outcomes(self) -> list[str]:
        """Returns the outcomes of actions, the columns of a table."""
        seen = {outcome for row in self.rows.values() for outcome in row.outcomes}
        return [*_ALWAYS, *sorted(seen - set(_ALWAYS))]

    @property
    def total(self) -> Row:
        """Returns the sum of all actions."""
        result = Row()
        for row in self.rows.values():
            result.outcomes.update(row.outcomes)
            result.output_bytes += row.output_bytes
            result.wall_seconds += row.wall_seconds
            if row.critical_seconds is not None:
                result.critical_seconds = (result.critical_seconds or 0.0) + row.critical_seconds
        return result


def summarize(
    name: str, actions: Iterable[Action], critical: dict[str, float] | None = None
) -> Summary:
    """Counts the actions of a build.

    Args:
        name: the file that they come from.
        actions: the actions of a log.
        critical: seconds on the critical path by mnemonic, from a profile.
    """
    rows: dict[str, Row] = collections.defaultdict(Row)
    runners: collections.Counter[str] = collections.Counter()
    for action in actions:
        row = rows[action.mnemonic]
        row.outcomes[action.outcome] += 1
        row.output_bytes += action.output_bytes
        row.wall_seconds += action.seconds
        if action.executed:
            runners[action.runner] += 1
    for mnemonic, seconds in (critical or {}).items():
        rows[mnemonic].critical_seconds = seconds
    order = sorted(rows.items(), key=lambda item: (-sum(item[1].outcomes.values()), item[0]))
    return Summary(name, dict(order), runners)
