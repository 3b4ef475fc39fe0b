"""Builds the real wheel by remote execution on loopback, and compares it with the local one.

    ./bazelw run //tests/caches/remote:whole_wheel

Run manually, since it compiles all of llama.cpp: a quarter of an hour on two cores, and some GB
below --scratch. The local wheel comes out of the user's disk cache as far as it is there; of the
remote one everything is executed by buildbox-casd. Exit code 0: the same bytes; 1: others.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import tempfile
from pathlib import Path

import nested_bazel
from nested_bazel import Spawn, Workspace
from servers import GrpcServer, Packages

_WHEEL = "//:wheel"


def _wheels(spawns: list[Spawn]) -> dict[str, str]:
    """Returns a mapping: path -> SHA-256 of the wheels among the outputs."""
    return {
        path: sha for path, sha in nested_bazel.outputs(spawns).items() if path.endswith(".whl")
    }


def _show(name: str, spawns: list[Spawn]) -> None:
    runners = collections.Counter(spawn.runner for spawn in spawns)
    print(
        f"{name}: {', '.join(f'{number} {runner}' for runner, number in sorted(runners.items()))}"
    )
    for path, sha in _wheels(spawns).items():
        print(f"{sha}  {path}", flush=True)


def _build(archive: str, scratch: Path) -> tuple[list[Spawn], list[Spawn]]:
    """Returns the actions of the local and of the remote build."""
    project = scratch / "project"
    nested_bazel.unpack_project(archive, project)
    environment = nested_bazel.inherited_environment()
    options = nested_bazel.common_options(environment)
    local = Workspace(project, scratch / "local", environment, options)
    remote = Workspace(project, scratch / "remote", environment, (*options, "--disk_cache="))
    try:
        first = local.build([_WHEEL])
        _show("local", first)
        nginx, buildbox = (Packages.of(os.environ[name]) for name in ("NGINX", "BUILDBOX"))
        with GrpcServer(nginx, buildbox, scratch / "server") as server:
            executor = f"--remote_executor={server.address}"
            second = remote.build([_WHEEL], "--config=remote_exec", executor)
        _show("remote", second)
        return first, second
    finally:
        local.remove()
        remote.remove()


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Compares a wheel built remotely with the local one."
    )
    parser.add_argument("--scratch", help="folder for both builds; some GB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="whole-wheel-") as scratch:
        local, remote = _build(os.environ["PROJECT_ARCHIVE"], Path(scratch).resolve())
    same = _wheels(local) == _wheels(remote)
    print("the same bytes" if same else "other bytes")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
