"""Runs the CPU probe: scores, times and checks the CPU variants, each in a child process.

A CPU that announces an instruction it cannot execute, or a miscompiled library, kills the child and
not the program. PROBE_TIMEOUT_S bounds each child, in seconds.
"""

from __future__ import annotations

import os
import sys
from typing import Callable

from .memory import Facts
from .native import LIB_DIR

PROBE_TIMEOUT_S = 20

# Of x86-64 with AVX2 there are nine variants; older CPUs have fewer.
MOST_TIMED = 9
# With the start of the child it is less than 0.3 s of CPU time, once for a machine.
TURNS_MS = 180
# NTSTATUS values of severity `error`, with which Windows ends a process ([MS-ERREF], 2.3).
_FIRST_EXCEPTION = 0xC0000000


def examine(
    libraries: dict[str, str],
    known: Facts,
    register: Callable[[str], str] = lambda name: "",
) -> str:
    """Scores and times `libraries`; checks them from the best down until `register` takes one.

    Adds the findings to `known`; returns the name of the one that passed, "" if none did.
    `register` loads a variant by name and returns the reason if it could not. OSError when the
    probe cannot be run at all.
    """
    score(libraries, known)
    usable = [name for name in libraries if known["scores"].get(name, 0) > 0]
    usable.sort(key=lambda name: -known["scores"][name])
    for name in _fastest_first(usable, libraries, known):
        failure, said = _run("check", libraries[name])
        known["checks"][name] = failure or said.strip()
        failure = failure or register(name)
        if not failure:
            return name
        known["rejected"][name] = failure
    return ""


def _fastest_first(usable: list[str], libraries: dict[str, str], known: Facts) -> list[str]:
    """Sorts variants that come with the best score first; adds their times to `known`."""
    if len(usable) < 2:
        return usable
    from .timing import fastest_first

    known["times"].update(_time({name: libraries[name] for name in usable[:MOST_TIMED]}))
    return fastest_first(usable, known["times"])


def _time(libraries: dict[str, str]) -> dict[str, dict[str, float]]:
    """Returns microseconds by variant and "TYPE TOKENS"; nothing if one kills the child."""
    failure, said = _run("time", str(TURNS_MS), *libraries.values(), timeout=PROBE_TIMEOUT_S / 4)
    times: dict[str, dict[str, float]] = {}
    if not failure:
        names = _names(libraries)
        for line in said.splitlines():
            library, kind, tokens, time = line.rsplit(" ", 3)
            times.setdefault(names[os.path.basename(library)], {})[f"{kind} {tokens}"] = float(time)
    return times


def score(libraries: dict[str, str], known: Facts) -> None:
    """Asks the probe for all scores at once; library by library when that child dies."""
    failure, said = _run("score", *libraries.values())
    if not failure:
        known["scores"].update(_parse_scores(said, libraries))
        return
    for name, path in libraries.items():
        failure, said = _run("score", path, timeout=PROBE_TIMEOUT_S / 4)
        if failure:
            known["rejected"][name] = failure
        else:
            known["scores"].update(_parse_scores(said, {name: path}))


def _parse_scores(said: str, libraries: dict[str, str]) -> dict[str, int]:
    names = _names(libraries)
    scores = dict.fromkeys(libraries, 0)
    for line in said.splitlines():
        name, _, score = line.rpartition(" ")
        name = names.get(os.path.basename(name), name)
        if name in scores and score.isdigit():
            scores[name] = int(score)
    return scores


def _names(libraries: dict[str, str]) -> dict[str, str]:
    """Returns the variants by the names of their files."""
    return {os.path.basename(path): name for name, path in libraries.items()}


def probe_file() -> str:
    suffix = ".exe" if sys.platform == "win32" else ""
    return os.path.join(LIB_DIR, "ggml-cpu-probe" + suffix)


def _run(*arguments: str, timeout: float = 0) -> tuple[str, str]:
    """Runs the probe; returns the failure, if any, and its output. OSError if it cannot start."""
    import signal
    import subprocess

    timeout = timeout or PROBE_TIMEOUT_S
    try:
        child = subprocess.run(
            [probe_file(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            cwd=LIB_DIR,
        )
    except subprocess.TimeoutExpired:
        return f"its check did not end within {timeout:g} s", ""
    said = child.stdout.decode("utf-8", "replace")
    if child.returncode >= _FIRST_EXCEPTION:
        return f"its check was killed by the exception {child.returncode:#x}", said
    if child.returncode < 0:
        try:
            name = signal.Signals(-child.returncode).name
        except ValueError:
            name = f"signal {-child.returncode}"
        return f"its check was killed by {name}", said
    if child.returncode:
        words = said.strip() or child.stderr.decode("utf-8", "replace").strip()
        return f"its check failed: {words or f'exit status {child.returncode}'}", said
    return "", said
