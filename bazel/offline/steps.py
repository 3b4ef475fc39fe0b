"""Provisioning's output: one line per step, and failures with a remedy."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_TAIL_LINES = 5


class StepError(Exception):
    """A step of provisioning failed.

    Attributes:
        step: the step in the infinitive ("read Debian's package index").
        reason: why it failed; for a failed tool the last lines of its output.
        advice: the user's next command or change.
    """

    def __init__(self, step: str, reason: str, advice: str) -> None:
        super().__init__(f"could not {step}: {reason}\n  {advice}")
        self.step = step
        self.reason = reason
        self.advice = advice


def say(message: str) -> None:
    """Prints one line of progress."""
    print(f"bazelw: {message}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def reading(step: str, advice: str) -> Iterator[None]:
    """Turns an error of a reader into a StepError with these arguments.

    Readers trust their files: a damaged one may raise any exception. Errors of the system, such as
    a full disk, stay; a missing file is damage.
    """
    try:
        yield
    except StepError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
            raise
        raise StepError(step, str(error) or type(error).__name__, advice) from error


def run(
    step: str,
    command: Sequence[str | Path],
    advice: str,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Runs a tool silently.

    Args:
        step: the tool's task, as in `StepError`.
        command: the program and its arguments.
        advice: remedy for the user if it fails.
        cwd: where to run it.
        environment: variables to add to the inherited ones.

    Returns:
        The tool's standard output.

    Raises:
        StepError: the tool is missing, or it failed.
    """
    try:
        result = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise StepError(step, f"{command[0]} does not run ({error.strerror})", advice) from error
    if result.returncode:
        lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
        tail = "".join(f"\n    {line}" for line in lines[-_TAIL_LINES:])
        name = Path(command[0]).name
        raise StepError(step, f"{name} failed with exit code {result.returncode}{tail}", advice)
    return result.stdout
