"""Takes another version of llama.cpp, and reports the changes.

    ./bazelw run //tools:bump_llama_cpp -- SOURCE [--commit=COMMIT]

SOURCE is a distribution of the Python index whose sdist carries llama.cpp, as name==version; the
address of an archive, with the commit of its sources; or the directory of a checkout. How to go on
after the output: docs/howto/bump.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tools.bump import report, source, versions
from tools.bump.errors import BumpError
from tools.bump.rewrite import Project


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=source.COMMAND.removesuffix(" --"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE")
    parser.add_argument("--commit", default="", help="where the source does not say it")
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    return parser.parse_args(arguments)


def bump(project: Project, arguments: argparse.Namespace, scratch: Path) -> None:
    """Rewrites the project and prints the report.

    Raises:
        BumpError: The sources can't be downloaded, or a file isn't as expected. No file was written
            then.
    """
    pin = project.pin()
    new = source.resolve(arguments.source, arguments.commit, scratch)
    own, components = versions.own(new.tree), versions.components(new.tree)
    old_tree = source.pinned(pin, scratch)
    patched = report.patch_results(project.patches(), new.tree)
    for lines in (
        report.header_changes(old_tree, new.tree),
        report.file_changes(project.folder, old_tree, new.tree),
        report.patch_changes(patched),
    ):
        print(*lines, sep="\n")
    if not arguments.dry_run:
        project.set_patches({result.name: result.text for result in patched})
        _rewrite(project, new, own, components)
    print(*report.next_steps(new), sep="\n")


def _rewrite(
    project: Project, new: source.Source, own: dict[str, str], components: dict[str, str]
) -> None:
    if new.pin:
        project.set_pin(new.pin)
    origin = new.pin.file.rpartition("/")[2] if new.pin else "a checkout"
    project.set_versions(own, new.commit, origin)
    project.set_components(components)
    print("\n== files rewritten", *(dict.fromkeys(project.changed) or ["none"]), sep="\n")


def main() -> int:
    """Runs the program; returns its exit code."""
    arguments = _parse(sys.argv[1:])
    # Set by `bazel run`: the project, and the directory that the user's relative paths start from.
    project = Project(Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")).resolve())
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            bump(project, arguments, Path(scratch))
    except BumpError as error:
        print(f"bump_llama_cpp: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
