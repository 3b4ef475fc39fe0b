"""Reads Bazel's execution log, `--execution_log_json_file`. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_INSTEAD = "build again with --execution_log_json_file=FILE"

# How files begin that are taken for a JSON log by mistake.
_OTHER_FORMATS = {
    b"\x28\xb5\x2f\xfd": f"is a compact execution log; {_INSTEAD}",
    b"\x1f\x8b": "is compressed; unpack it with gunzip first",
    b'{"otherData"': "is a profile; give it as --profile FILE",
    b'{"id"': f"is a build event file; {_INSTEAD}",
}


class LogError(Exception):
    """Raised if a file is no execution log, or only a part of one; the text gives the remedy."""


def entries(log: Path, *, inputs: bool = True) -> Iterator[dict[str, Any]]:
    """Yields the objects of a log, which are pretty-printed one after the other.

    Logs have hundreds of megabytes; only one object is held at a time.

    Args:
        log: the file.
        inputs: whether `inputs` are wanted. A compile has thousands; without them reading is much
            faster.

    Raises:
        LogError: The file is in another format, or ends too early.
        OSError: The file can't be read.
    """
    _check_format(log)
    lines: list[str] = []
    in_inputs = False
    with log.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if in_inputs:
                in_inputs = not line.startswith("  }]")
            elif not inputs and line.startswith('  "inputs": [{'):
                in_inputs = True
            elif line.startswith("}"):
                yield _parsed(log, [*lines, "}"])
                # The next object may begin on the same line.
                lines = [line[1:]]
            else:
                lines.append(line)
    if "".join(lines).strip():
        raise LogError(
            f"{log} ends in the middle of an action; wait for the build to end, or build again"
        )


def _check_format(log: Path) -> None:
    with log.open("rb") as file:
        start = file.read(64)
    # An empty log is that of a build with nothing to do.
    if not start or start.startswith((b"{\n", b"{\r\n")):
        return
    for magic, sentence in _OTHER_FORMATS.items():
        if start.startswith(magic):
            raise LogError(f"{log} {sentence}")
    raise LogError(f"{log} is not an execution log in JSON; {_INSTEAD}")


def _parsed(log: Path, lines: list[str]) -> dict[str, Any]:
    try:
        entry = json.loads("".join(lines))
    except ValueError as error:
        raise LogError(f"{log} is damaged ({error}); {_INSTEAD}") from None
    if "mnemonic" not in entry or "commandArgs" not in entry:
        raise LogError(f"{log} is JSON, but not an execution log; {_INSTEAD}")
    return entry
