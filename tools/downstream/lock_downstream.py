"""Pins the wheels of the downstream packages' environments (docs/howto/downstream.md).

    ./bazelw run //tools:lock_downstream                  the newest versions, everywhere
    ./bazelw run //tools:lock_downstream -- langchain     in one environment

pip resolves each environment for each Python, in the indexes of the user's own settings, and says
which files it would install. Nothing is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import lock_file
import resolve

_LOCK = "third_party/downstream/lock.bzl"


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _parse(arguments: list[str], known: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools:lock_downstream --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=", ".join(known))
    chosen = parser.parse_args(arguments)
    for name in chosen.environments:
        if name not in known:
            parser.error(f"{name} is not in third_party/downstream/environments.bzl")
    return chosen


def _parse_rule_arguments(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Returns the arguments that the BUILD file gives, and those of the user."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--pip", type=Path, required=True)
    parser.add_argument("--python", type=_pair, action="append", required=True)
    parser.add_argument("--wheel", type=_pair, action="append", required=True)
    return parser.parse_known_args(arguments)


def lock(given: argparse.Namespace, names: list[str], facts: resolve.Facts) -> lock_file.Lock:
    """Returns the lock with these environments resolved anew.

    Raises:
        LockError: pip finds no versions that fit, or a file without a SHA-256.
    """
    wheels = dict(given.wheel)
    locked = lock_file.Lock(facts.locked)
    for abi, python in given.python:
        resolver = resolve.Resolver(abi, Path(python), given.pip, Path(wheels[abi]))
        for name in names:
            print(f"{name} for {abi}", flush=True)
            locked.replace(abi, name, resolver.wheels(facts, name))
    return locked


def main() -> int:
    """Runs the program; returns its exit code."""
    given, words = _parse_rule_arguments(sys.argv[1:])
    facts = resolve.read_facts(given.facts)
    names = _parse(words, list(facts.environments)).environments or list(facts.environments)
    target = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), _LOCK)
    try:
        after = lock(given, names, facts)
    except resolve.LockError as error:
        print(f"lock_downstream: {error}", file=sys.stderr)
        return 1
    for abi, _ in given.python:
        after.forget_others(abi, list(facts.environments))
    target.write_text(after.text(), encoding="utf-8")
    print(f"{_LOCK} is written; its tests:\n  ./bazelw test //tests/package/downstream/...")
    return 0


if __name__ == "__main__":
    sys.exit(main())
