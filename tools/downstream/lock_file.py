"""third_party/downstream/lock.bzl: which wheel is in which environments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resolve import Wheel

_ANY = "any"

_HEAD = '''"""Wheels of the environments in environments.bzl.

Written by `./bazelw run //tools:lock_downstream`.
"""

# ABI tag (`any` for all of them) -> file -> "package sha256 environment...".
LOCK = {
'''


class Lock:
    """Wheels by ABI and environment.

    Args:
        tables: The dictionary of lock.bzl.
    """

    def __init__(self, tables: dict[str, dict[str, str]]) -> None:
        self._by_abi: dict[str, dict[str, set[Wheel]]] = {}
        for abi in tables.keys() - {_ANY}:
            environments = self._by_abi.setdefault(abi, {})
            for file, entry in {**tables.get(_ANY, {}), **tables[abi]}.items():
                package, sha256, *names = entry.split(" ")
                for name in names:
                    environments.setdefault(name, set()).add(Wheel(file, package, sha256))

    def replace(self, abi: str, environment: str, wheels: Iterable[Wheel]) -> None:
        """Sets the wheels of an environment."""
        self._by_abi.setdefault(abi, {})[environment] = set(wheels)

    def forget_others(self, abi: str, environments: list[str]) -> None:
        """Drops environments that are no longer there."""
        kept = self._by_abi.get(abi, {})
        self._by_abi[abi] = {name: kept[name] for name in environments if name in kept}

    def text(self) -> str:
        """Returns the file."""
        return _HEAD + "".join(self._tables()) + "}\n"

    def _tables(self) -> Iterator[str]:
        by_abi = {abi: self._entries(abi) for abi in sorted(self._by_abi)}
        common = set.intersection(*(set(entries.items()) for entries in by_abi.values()))
        yield _table(_ANY, dict(common))
        for abi, entries in by_abi.items():
            yield _table(abi, dict(entries.items() - common))

    def _entries(self, abi: str) -> dict[str, str]:
        """Returns file -> its entry in the table of an ABI, were there no `any`."""
        users: dict[Wheel, list[str]] = {}
        for name, wheels in sorted(self._by_abi[abi].items()):
            for wheel in wheels:
                users.setdefault(wheel, []).append(name)
        return {
            wheel.file: " ".join([wheel.package, wheel.sha256, *names])
            for wheel, names in users.items()
        }


def _table(abi: str, entries: dict[str, str]) -> str:
    lines = [f'        "{file}": "{entry}",\n' for file, entry in sorted(entries.items())]
    return f'    "{abi}": {{\n{"".join(lines)}    }},\n'
