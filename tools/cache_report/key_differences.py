"""Why the keys of actions differ between two builds."""

from __future__ import annotations

import collections
import dataclasses
import difflib
import itertools
import re
from collections.abc import Iterable, Iterator

from actions import Action, File, Shared

# Below it, paths of two configurations are alike.
_CONFIGURATION = re.compile(r"\bbazel-out/([^/\s]+)/")


@dataclasses.dataclass(frozen=True)
class Change:
    """One thing that differs.

    Attributes:
        kind: Part of the key: `argument`, `environment`, `input`, `tool`, `platform`, ...; or why
            there is no difference.
        name: Variable, property or path; empty where `before` and `after` say it.
        before: Its value in the first build; None: it was not there.
        after: Its value in the second build; None: it is not there.
    """

    kind: str
    name: str = ""
    before: str | None = None
    after: str | None = None


@dataclasses.dataclass(frozen=True)
class Cause:
    """Changes that the same actions have in common.

    Attributes:
        kind: That of all changes.
        changes: At least one.
        actions: The actions that ran for it, alone or with others.
        hits: Actions whose keys changed too, but whose results a cache had.
    """

    kind: str
    changes: tuple[Change, ...]
    actions: tuple[Action, ...]
    hits: tuple[Action, ...]


def causes(first: list[Action], second: list[Action], shared: Shared) -> list[Cause]:
    """Returns why actions of the second build ran, most actions first."""
    comparison = _Comparison(first, second, shared)
    affected: dict[Change, list[int]] = collections.defaultdict(list)
    for number, action in enumerate(second):
        for change in comparison.changes(action):
            affected[change].append(number)
    together: dict[tuple[str, tuple[int, ...]], list[Change]] = collections.defaultdict(list)
    for change, numbers in affected.items():
        together[change.kind, tuple(numbers)].append(change)
    result = []
    for (kind, numbers), changes in together.items():
        actions = [second[number] for number in numbers]
        ran = tuple(action for action in actions if action.executed)
        hits = tuple(action for action in actions if not action.executed)
        result.append(Cause(kind, tuple(changes), ran, hits))
    return sorted(result, key=lambda cause: (-len(cause.actions), -len(cause.hits), cause.kind))


class _Comparison:
    """Finds an action's counterpart in the first build, and compares the two."""

    def __init__(self, first: list[Action], second: list[Action], shared: Shared) -> None:
        self._shared = shared
        self._first: dict[tuple[str, ...], list[Action]] = collections.defaultdict(list)
        for action in first:
            self._first[_identity(action)].append(action)
        self._outputs = {action.outputs for action in second}
        self._renamed = _renamed(first, second)
        self._makers = {path: action for action in first + second for path in action.made}
        self._digests = {digest: action for action in second for digest in action.made.values()}

    def changes(self, action: Action) -> list[Change]:
        """Returns why an action ran; for a cache hit, why its key is another one."""
        before = self._counterpart(action)
        if before is None:
            return [Change("not in the first log")] if action.executed else []
        result = [
            *_configuration(before, action),
            *_arguments(before.arguments, action.arguments),
            *_values("environment", before.environment, action.environment),
            *_values("platform", before.platform, action.platform),
            *self._inputs(before, action),
            *_outputs(before.outputs, action.outputs),
        ]
        if before.timeout != action.timeout:
            result.append(Change("timeout", "", before.timeout, action.timeout))
        if not result and action.executed:
            result.append(_same_key(before, action))
        return list(dict.fromkeys(result))

    def _counterpart(self, action: Action) -> Action | None:
        identity = _identity(action)
        if identity in self._renamed:
            return self._renamed[identity]
        # The same target may be built for two configurations, of which only the directory tells.
        candidates = self._first.get(identity, [])
        for candidate in candidates:
            if candidate.outputs == action.outputs:
                return candidate
        others = [candidate for candidate in candidates if candidate.outputs not in self._outputs]
        return others[0] if others else None

    def _inputs(self, before: Action, after: Action) -> Iterator[Change]:
        one, two = set(before.inputs), set(after.inputs)
        if one == two:
            return
        gone, come = self._by_path(one - two), self._by_path(two - one)
        changed = {
            file.content
            for path, files in come.items()
            for file in files
            if ".runfiles/" not in path
        }
        for path in sorted(gone.keys() | come.keys()):
            old, new = gone.get(path, []), come.get(path, [])
            if sorted(file.content for file in old) == sorted(file.content for file in new):
                continue
            file = (new or old)[0]
            if ".runfiles/" in path and file.content in changed:
                # A program's copy of a file that is listed by itself.
                continue
            yield self._input(before, after, file, old, new)

    def _input(
        self, before: Action, after: Action, file: File, old: list[File], new: list[File]
    ) -> Change:
        maker = self._maker(file)
        if maker is not None:
            return Change("made by", maker.mnemonic)
        if _is_parameter_file(file.path, after.arguments or before.arguments):
            return Change("argument", "in a parameter file, which the log does not hold")
        kind = "tool" if file.is_tool else "input"
        return Change(kind, file.path, _content(old), _content(new))

    def _maker(self, file: File) -> Action | None:
        maker = self._makers.get(file.path)
        if maker is None and ".runfiles/" in file.path:
            maker = self._digests.get(file.content)
        return maker

    def _by_path(self, numbers: Iterable[int]) -> dict[str, list[File]]:
        result: dict[str, list[File]] = collections.defaultdict(list)
        for file in map(self._shared.files.__getitem__, numbers):
            result[_plain(file.path)].append(file)
        return result


def _identity(action: Action) -> tuple[str, ...]:
    return (action.mnemonic, action.label, *map(_plain, action.outputs[:1]))


def _renamed(first: list[Action], second: list[Action]) -> dict[tuple[str, ...], Action]:
    """Returns actions of the first build by the identity that they have in the second.

    A version may be a part of an output's name. Where a target has one action of a kind that only
    the first build knows, and one that only the second knows, it is the same.
    """
    alone: list[dict[tuple[str, ...], list[Action]]] = []
    for build, other in ((first, second), (second, first)):
        known = set(map(_identity, other))
        unknown: dict[tuple[str, ...], list[Action]] = collections.defaultdict(list)
        for action in build:
            if _identity(action) not in known:
                unknown[action.mnemonic, action.label].append(action)
        alone.append(unknown)
    return {
        _identity(actions[0]): alone[0][target][0]
        for target, actions in alone[1].items()
        if len(actions) == len(alone[0].get(target, [])) == 1
    }


def _plain(text: str) -> str:
    """Leaves the names of configurations out."""
    return _CONFIGURATION.sub("bazel-out/*/", text)


def _content(files: list[File]) -> str | None:
    return files[0].content if files else None


def _is_parameter_file(path: str, arguments: tuple[str, ...]) -> bool:
    return any(argument.endswith(path) and "@" in argument for argument in arguments)


def _configuration(before: Action, after: Action) -> Iterator[Change]:
    one, two = (
        sorted({name for path in action.outputs for name in _CONFIGURATION.findall(path)})
        for action in (before, after)
    )
    if one != two:
        yield Change("output folder", "", ", ".join(one), ", ".join(two))


def _arguments(before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Change]:
    if before == after:
        return
    one, two = list(map(_plain, before)), list(map(_plain, after))
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    for operation, i, i_end, j, j_end in matcher.get_opcodes():
        if operation == "equal":
            continue
        old, new = before[i:i_end], after[j:j_end]
        if len(old) == len(new):
            yield from (Change("argument", "", *pair) for pair in zip(old, new))
        else:
            yield from (Change("argument", "", text, None) for text in old)
            yield from (Change("argument", "", None, text) for text in new)


def _values(kind: str, before: dict[str, str], after: dict[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        one, two = before.get(name), after.get(name)
        if one != two and (one is None or two is None or _plain(one) != _plain(two)):
            yield Change(kind, name, one, two)


def _outputs(before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Change]:
    one = [path for path in before if _plain(path) not in set(map(_plain, after))]
    two = [path for path in after if _plain(path) not in set(map(_plain, before))]
    for old, new in itertools.zip_longest(one, two):
        yield Change("output", "", old, new)


def _same_key(before: Action, after: Action) -> Change:
    if not after.may_be_cached:
        return Change("may not be cached")
    if before.digest and after.digest and before.digest != after.digest:
        return Change("something that the log does not hold")
    return Change("same key")
