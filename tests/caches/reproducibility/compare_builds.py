"""Builds targets twice, as different users in different places, and compares all outputs.

    python3 tests/caches/reproducibility/compare_builds.py //:wheel

Nothing is taken out of a cache, so this takes twice as long as a build from nothing; only downloads
are shared. Prints a table by kind of action, then each output that differs. Exit code 0: all the
same; 1: something differs; 2: a build failed.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import sys
import tempfile
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[3]
# Run manually, no rule says where these are.
sys.path += [str(_PROJECT / folder) for folder in ("bazel/testing", "tools/cache_report")]

import nested_bazel  # noqa: E402
from nested_bazel import NestedBazelError, Spawn, Workspace  # noqa: E402

_LEFT_OUT = shutil.ignore_patterns(".git", "bazel-*", "__pycache__", ".*_cache", ".bazelrc.user")


def different_outputs(first: list[Spawn], second: list[Spawn]) -> list[str]:
    """Returns the paths of outputs that differ, or that only one of two builds made."""
    one, two = nested_bazel.outputs(first), nested_bazel.outputs(second)
    return sorted(path for path in one.keys() | two.keys() if one.get(path) != two.get(path))


def table(first: list[Spawn], second: list[Spawn]) -> str:
    """Returns the actions of two builds, by kind."""
    different = set(different_outputs(first, second))
    lines = [f"{'action':24}{'executed':>12}{'from cache':>12}{'outputs':>10}{'different':>11}"]
    kinds = collections.defaultdict(lambda: ([], []))
    for index, spawns in enumerate((first, second)):
        for spawn in spawns:
            kinds[spawn.mnemonic][index].append(spawn)
    for kind, pair in sorted(kinds.items()):
        paths = nested_bazel.outputs(pair[0]).keys() | nested_bazel.outputs(pair[1]).keys()
        executed = " + ".join(str(sum(not spawn.cached for spawn in spawns)) for spawns in pair)
        cached = " + ".join(str(sum(spawn.cached for spawn in spawns)) for spawns in pair)
        lines.append(
            f"{kind:24}{executed:>12}{cached:>12}{len(paths):>10}{len(paths & different):>11}"
        )
    return "\n".join(lines)


def _workspaces(scratch: Path, repository_cache: str) -> list[Workspace]:
    """Returns two copies of the project; the second one has another environment too."""
    environments = [
        dict(os.environ),
        nested_bazel.other_environment(dict(os.environ), scratch / "environment"),
    ]
    options = (
        "--disk_cache=",
        "--remote_cache=",
        f"--repo_env=PYTHON={os.path.realpath(sys.executable)}",
        f"--repository_cache={repository_cache}",
    )
    result = []
    for name, environment in zip(("first", "a second"), environments):
        folder = scratch / name / "project"
        shutil.copytree(_PROJECT, folder, ignore=_LEFT_OUT, symlinks=True)
        result.append(Workspace(folder, scratch / name / "output", environment, options))
    return result


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Builds targets twice from nothing and compares every output."
    )
    parser.add_argument("targets", nargs="+", help="labels, such as //:wheel")
    parser.add_argument("--scratch", help="folder for both builds; some GB")
    parser.add_argument(
        "--repository_cache",
        default=nested_bazel.default_repository_cache(dict(os.environ)),
        help="folder where Bazel keeps downloads (default: %(default)s)",
    )
    return parser.parse_args()


def main() -> int:
    """Returns the exit code."""
    arguments = _parse()
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="compare-builds-") as scratch:
        workspaces = _workspaces(Path(scratch).resolve(), arguments.repository_cache)
        builds = []
        try:
            for workspace in workspaces:
                try:
                    builds.append(workspace.build(arguments.targets))
                finally:
                    workspace.remove()
        except NestedBazelError as error:
            print(error, file=sys.stderr)
            return 2
        print(table(*builds))
        different = different_outputs(*builds)
        for path in different:
            print(f"differs: {path}")
        return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
