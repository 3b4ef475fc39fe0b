"""Merges a built index into the one that is hosted: publish.py INDEX TARGET

INDEX is the output of `./bazelw build //:index`. TARGET is the directory of the static host: a
checkout, a mount, or a new directory. Published files stay: a wheel never changes, and is listed
for ever. Pages are written after the files that they list, each in one step, so whoever reads
meanwhile, or after an interruption, finds every file that a page names; the same command finishes
an interrupted publication.

Exit codes: 0 published (or nothing to do), 1 refused or failed, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Callable

from errors import PublishError
from plan import Plan, make_plan


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Has `write` make the file beside its place, and moves it there: half a file has never the
    name of a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A fixed name, so that a file left by an interruption is overwritten.
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        write(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_plan(plan: Plan) -> None:
    """Writes files, then pages."""
    for source, destination in plan.copies:
        _replace(destination, lambda path, source=source: shutil.copyfile(source, path))
    for page, content in plan.pages:
        _replace(page, lambda path, content=content: path.write_bytes(content))


def _report(plan: Plan, target: Path) -> str:
    lines = [f"new   {copy.destination.relative_to(target)}" for copy in plan.copies]
    lines += [f"page  {page.path.relative_to(target)}" for page in plan.pages]
    return "\n".join(lines) or "Nothing to do: all of it is published."


def _path(text: str) -> Path:
    """Returns a path relative to the user's directory: `bazel run` starts executables elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", ""), text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="publish", description="Merges a built index into the one that is hosted."
    )
    parser.add_argument("index", type=_path, metavar="INDEX", help="what //:index wrote")
    parser.add_argument("target", type=_path, metavar="TARGET", help="the folder of the host")
    parser.add_argument("--dry-run", action="store_true", help="says what it would write")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        plan = make_plan(options.index, options.target)
        if not options.dry_run:
            write_plan(plan)
    except PublishError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"publish: {error}; the same command goes on where it stopped", file=sys.stderr)
        return 1
    print(_report(plan, options.target))
    return 0


if __name__ == "__main__":
    sys.exit(main())
