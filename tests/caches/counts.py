"""The cost of a change, counted by a test and compared with the table in docs/caching.md."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Sequence

from nested_bazel import Spawn

HEADER = "| what is changed | built | actions | executed | which |\n|---|---|---:|---:|---|\n"
ROWS_FILE = "cache_counts.json"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        change: The difference from the build before it.
        target: The built target.
        actions: Number of actions with another key than in the build before, or all of them where
            there was none.
        executed: How many of them no cache had. None: that depends on the machine's cache before
            the test.
        kinds: The actions, as `2 CppCompile, 1 CppLink`.
    """

    change: str
    target: str
    actions: int
    executed: int | None
    kinds: str

    def line(self) -> str:
        """Returns the line in Markdown."""
        executed = "·" if self.executed is None else self.executed
        return (
            f"| {self.change} | `{self.target}` | {self.actions} | {executed} | "
            f"{self.kinds or '—'} |"
        )


def kinds(mnemonics: Iterable[str]) -> str:
    """Returns how many there are of each, as `2 CppCompile, 1 CppLink`."""
    numbers = collections.Counter(mnemonics)
    return ", ".join(f"{number} {kind}" for kind, number in sorted(numbers.items()))


def row(change: str, target: str, spawns: Sequence[Spawn], *, executed: bool = True) -> Row:
    """Returns the line for a build.

    Args:
        change: the change before it.
        target: the built target.
        spawns: the actions of the build.
        executed: whether the number of executed actions is meaningful; see Row.
    """
    number = sum(not spawn.cached for spawn in spawns) if executed else None
    return Row(change, target, len(spawns), number, kinds(spawn.mnemonic for spawn in spawns))
