"""Differences between two tables of names."""

from __future__ import annotations

from typing import Mapping, NamedTuple


class Change(NamedTuple):
    """One name that differs; `old` is None where it is new, `new` is None where it is gone."""

    kind: str
    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.old is None:
            return f"+ {self.kind} {self.name}: {self.new}"
        if self.new is None:
            return f"- {self.kind} {self.name}: {self.old}"
        return f"~ {self.kind} {self.name}:\n    - {self.old}\n    + {self.new}"


def differences(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Returns the changes between two tables: first removals, then the rest in the new order."""
    result = [Change(kind, name, old[name], None) for name in old if name not in new]
    for name, text in new.items():
        if old.get(name) != text:
            result.append(Change(kind, name, old.get(name), text))
    return result
