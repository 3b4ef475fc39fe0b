"""The actions of an execution log, small enough to hold all of a large build."""

from __future__ import annotations

import array
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import execution_log

EXECUTED = "executed"


@dataclasses.dataclass(frozen=True)
class File:
    """One file as an action sees it.

    Attributes:
        path: Path below the execution root.
        content: Digest, or where a symlink points to.
        is_tool: Whether it is a part of the program that runs.
    """

    path: str
    content: str
    is_tool: bool


class Shared:
    """Data shared by the actions of one or two logs, held once: strings, and files by number."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self._numbers: dict[File, int] = {}
        self._strings: dict[str, str] = {}

    def string(self, text: str) -> str:
        """Returns an equal string, always the same one."""
        return self._strings.setdefault(text, text)

    def number(self, entry: dict[str, Any]) -> int:
        """Returns the number of an entry of `inputs`; equal files have equal numbers."""
        content = entry.get("digest", {}).get("hash") or entry.get("symlinkTargetPath", "")
        file = File(entry["path"], content, entry.get("isTool", False))
        number = self._numbers.setdefault(file, len(self.files))
        if number == len(self.files):
            self.files.append(file)
        return number


@dataclasses.dataclass(frozen=True)
class Action:
    """One spawn: an action that needed a process or a cache entry.

    Attributes:
        mnemonic: Kind of the action, such as `CppCompile`.
        label: Target that it belongs to.
        outcome: `EXECUTED`, or the cache that had its result, such as `disk cache hit`.
        runner: Its runner, such as `linux-sandbox`, or the same cache.
        seconds: Wall time, or the time that fetching the result took.
        output_bytes: Size of its outputs.
        made: Path of each output -> its digest.
        outputs: Paths that were promised.
        arguments: Its command line.
        environment: Its variables.
        platform: Its execution properties.
        inputs: Numbers of its files; empty unless they were asked for.
        timeout: In milliseconds; a part of the key.
        may_be_cached: Whether any cache was to be asked.
        digest: Of all of the key; empty where no cache was used.
    """

    mnemonic: str
    label: str
    outcome: str
    runner: str
    seconds: float
    output_bytes: int
    made: dict[str, str]
    outputs: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: dict[str, str]
    platform: dict[str, str]
    inputs: array.array[int]
    timeout: str
    may_be_cached: bool
    digest: str

    @property
    def executed(self) -> bool:
        """Returns whether a process ran."""
        return self.outcome == EXECUTED


def read(log: Path, shared: Shared, *, inputs: bool) -> Iterator[Action]:
    """Yields the actions of a log.

    Args:
        log: the file.
        shared: the same for two logs that are compared.
        inputs: whether to read each action's inputs.

    Raises:
        LogError: The file is no log, or only a part of one.
        OSError: The file can't be read.
    """
    for entry in execution_log.entries(log, inputs=inputs):
        yield _action(entry, shared)


def _action(entry: dict[str, Any], shared: Shared) -> Action:
    string = shared.string
    runner = string(entry.get("runner", ""))
    made = [file for file in entry.get("actualOutputs", []) if file.get("digest")]
    return Action(
        mnemonic=string(entry["mnemonic"]),
        label=string(entry.get("targetLabel", "")),
        outcome=runner if entry.get("cacheHit") else EXECUTED,
        runner=runner,
        seconds=float(entry.get("metrics", {}).get("totalTime", "0s").rstrip("s")),
        output_bytes=sum(int(file["digest"].get("sizeBytes", 0)) for file in made),
        made={string(file["path"]): string(file["digest"]["hash"]) for file in made},
        outputs=tuple(map(string, entry.get("listedOutputs", []))),
        arguments=tuple(map(string, entry["commandArgs"])),
        environment=_values(entry.get("environmentVariables", []), shared),
        platform=_values(entry.get("platform", {}).get("properties", []), shared),
        inputs=array.array("L", map(shared.number, entry.get("inputs", []))),
        timeout=string(entry.get("timeoutMillis", "0")),
        may_be_cached=entry.get("cacheable", True),
        digest=entry.get("digest", {}).get("hash", ""),
    )


def _values(pairs: list[dict[str, str]], shared: Shared) -> dict[str, str]:
    return {shared.string(pair["name"]): shared.string(pair["value"]) for pair in pairs}
