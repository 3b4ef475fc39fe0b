"""Reads the critical path out of a profile of Bazel (`--profile`)."""

from __future__ import annotations

import collections
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

_COMPONENT = re.compile(r"action '(.*)'", re.DOTALL)

# For time without an action of a known kind.
OTHER = "(other)"


class ProfileError(Exception):
    """Raised if a file is no profile; the text gives the remedy."""


def seconds(profile: Path) -> dict[str, float]:
    """Returns how long the critical path was, by mnemonic.

    Raises:
        ProfileError: The file is no profile, or only a part of one.
        OSError: The file can't be read.
    """
    mnemonics: dict[str, str] = {}
    components: list[tuple[str, float]] = []
    for event in _events(profile):
        category = event.get("cat")
        if category == "action processing":
            mnemonics[event["name"]] = event.get("args", {}).get("mnemonic", OTHER)
        elif category == "critical path component":
            components.append((event["name"], event["dur"] / 1e6))
    result: dict[str, float] = collections.defaultdict(float)
    for name, duration in components:
        match = _COMPONENT.fullmatch(name)
        result[mnemonics.get(match[1] if match else name, OTHER)] += duration
    return dict(result)


def _events(profile: Path) -> Iterator[dict[str, Any]]:
    """Yields the events that matter: each has a line of its own."""
    try:
        with _open(profile) as file:
            if not file.readline(100).startswith('{"otherData"'):
                raise ProfileError(
                    f"{profile} is no profile of Bazel; build again with --profile=FILE"
                )
            line = ""
            for line in file:
                if '"action processing"' in line or '"critical path component"' in line:
                    yield json.loads(line.strip().rstrip(","))
    except (EOFError, UnicodeDecodeError, ValueError, gzip.BadGzipFile) as error:
        raise ProfileError(
            f"{profile} is damaged ({error}); wait for the build to end, or build again"
        ) from None
    if not line.rstrip().endswith("}"):
        raise ProfileError(f"{profile} ends too early; wait for the build to end, or build again")


def _open(profile: Path) -> TextIO:
    with profile.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(profile, "rt") if compressed else profile.open(encoding="utf-8")
