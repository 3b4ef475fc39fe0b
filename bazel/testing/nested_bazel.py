"""Runs Bazel on a copy of the project and reads its execution log."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pwd
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import execution_log

# A server whose test was killed goes away by itself.
_IDLE_SECONDS = 180
# Startup option of a server that lives for a minute: the second compiler of the JVM would cost more
# than it saves.
SHORT_LIVED = "--host_jvm_args=-XX:TieredStopAtLevel=1"


@dataclasses.dataclass(frozen=True)
class Spawn:
    """One action that needed a process or a cache entry.

    Attributes:
        mnemonic: Kind of the action, such as `CppCompile`.
        label: Target that it belongs to.
        cached: Whether its outputs came out of a cache.
        runner: Its runner, or the cache that it came from: `linux-sandbox`, `remote`, `remote cache
            hit`, ...
        outputs: Path below the execution root -> SHA-256 in hexadecimal.
    """

    mnemonic: str
    label: str
    cached: bool
    runner: str
    outputs: dict[str, str]


class NestedBazelError(Exception):
    """A nested Bazel failed; the text is the end of its output."""


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A copy of the project with an output root and an environment of its own.

    As a context manager it is removed at the end.

    Attributes:
        folder: The copy of the project.
        output_root: Directory for everything that this Bazel writes.
        environment: The whole environment of its client.
        options: Options of every build.
        umask: Of its client and server, and so of its actions.
        bazelw: Where bazelw is, relative to the directory.
    """

    folder: Path
    output_root: Path
    environment: dict[str, str]
    options: tuple[str, ...] = ()
    umask: int = 0o022
    bazelw: str = "bazelw"

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    @property
    def log(self) -> Path:
        """Returns the execution log of the last build."""
        return self.output_root / "execution-log.json"

    def with_variables(self, **variables: str) -> Workspace:
        """Returns the same with other variables in its environment."""
        return dataclasses.replace(self, environment={**self.environment, **variables})

    def build(self, targets: list[str], *options: str) -> list[Spawn]:
        """Builds targets and returns every spawn of this invocation.

        Raises:
            NestedBazelError: The build failed.
        """
        self._run(
            "build",
            f"--execution_log_json_file={self.log}",
            "--symlink_prefix=/",
            *self.options,
            *options,
            "--",
            *targets,
        )
        return [_spawn(entry) for entry in execution_log.entries(self.log, inputs=False)]

    def actions(self, query: str, *options: str) -> list[dict[str, Any]]:
        """Analyses; returns the actions of a query (`bazel aquery`), with their command lines.

        Raises:
            NestedBazelError: The analysis failed.
        """
        output = self._run("aquery", "--output=jsonproto", *self.options, *options, "--", query)
        return json.loads(output).get("actions", [])

    def output_file(self, target: str, *options: str) -> Path:
        """Returns where the one output of a target is.

        Raises:
            NestedBazelError: The analysis failed.
        """
        (path,) = self._run(
            "cquery", "--output=files", *self.options, *options, "--", target
        ).split()
        return self.execution_root() / path

    def execution_root(self) -> Path:
        """Returns the directory that the paths of outputs are relative to."""
        return Path(self._run("info", "execution_root").strip())

    def external_repository(self, name: str) -> tuple[str, Path]:
        """Fetches a repository; returns its canonical name and its directory.

        Raises:
            NestedBazelError: It can't be fetched.
        """
        self._run("fetch", *self.options, f"--repo=@{name}")
        (mapping,) = self._run("mod", "dump_repo_mapping", "").splitlines()
        canonical = json.loads(mapping)[name]
        return canonical, Path(self._run("info", "output_base").strip(), "external", canonical)

    def test(self, targets: list[str], *options: str) -> str:
        """Runs tests; returns Bazel's output.

        Raises:
            NestedBazelError: One failed.
        """
        return self._run("test", "--symlink_prefix=/", *self.options, *options, "--", *targets)

    def run(self, target: str, *arguments: str) -> str:
        """Runs a program; returns its standard output.

        Raises:
            NestedBazelError: It failed.
        """
        return self._run("run", "--symlink_prefix=/", *self.options, target, "--", *arguments)

    def clean(self) -> None:
        """Removes the outputs; repositories and disk cache stay."""
        self._run("clean")

    def remove(self) -> None:
        """Ends this workspace's server and removes its outputs, which include trees without write
        permission."""
        self._run("clean", "--expunge")

    def _run(self, command: str, *arguments: str) -> str:
        """Runs a command of Bazel; returns its standard output."""
        self.output_root.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        result = subprocess.run(
            [
                self.folder / self.bazelw,
                f"--output_user_root={self.output_root}",
                f"--max_idle_secs={_IDLE_SECONDS}",
                SHORT_LIVED,
                command,
                *arguments,
            ],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            umask=self.umask,
        )
        self._show_time(time.monotonic() - start, command, arguments)
        if result.returncode:
            raise NestedBazelError(
                f"`bazelw {command} {' '.join(arguments)}` in {self.folder} failed with exit code "
                f"{result.returncode}:\n{result.stderr[-8000:]}"
            )
        return result.stdout

    def _show_time(self, seconds: float, command: str, arguments: tuple[str, ...]) -> None:
        known = (*self.options, f"--execution_log_json_file={self.log}", "--symlink_prefix=/", "--")
        shown = [word for word in arguments if word not in known]
        name = self.output_root.parent.name
        # Standard output may be a program's result.
        print(
            f"{name}: {seconds:5.1f} s for {command} {' '.join(shown)}", file=sys.stderr, flush=True
        )


def _spawn(entry: dict[str, Any]) -> Spawn:
    return Spawn(
        mnemonic=entry["mnemonic"],
        label=entry.get("targetLabel", ""),
        cached=entry.get("cacheHit", False),
        runner=entry.get("runner", ""),
        outputs={
            output["path"]: output["digest"]["hash"]
            for output in entry.get("actualOutputs", [])
            if output.get("digest")
        },
    )


def outputs(spawns: list[Spawn]) -> dict[str, str]:
    """Returns every output of the spawns: path -> SHA-256."""
    return {path: digest for spawn in spawns for path, digest in spawn.outputs.items()}


def inherited_environment() -> dict[str, str]:
    """Returns the caller's variables that locate Bazel, its caches and packages."""
    names = ("BAZEL", "HOME", "PATH", "USER", "XDG_CACHE_HOME")
    result = {name: value for name, value in os.environ.items() if name in names}
    result.update({name: value for name, value in os.environ.items() if name.startswith("PIP_")})
    user = pwd.getpwuid(os.getuid())
    result.setdefault("HOME", user.pw_dir)
    result.setdefault("USER", user.pw_name)
    return result


def default_repository_cache(environment: dict[str, str]) -> str:
    """Returns Bazel's directory of a user's downloads; another output root would change it."""
    cache = environment.get("XDG_CACHE_HOME") or f"{environment['HOME']}/.cache"
    user = environment.get("USER") or pwd.getpwuid(os.getuid()).pw_name
    return f"{cache}/bazel/_bazel_{user}/cache/repos/v1"


def default_disk_cache(environment: dict[str, str]) -> str:
    """Returns the disk cache of .bazelrc, where another home would change it."""
    return f"{environment['HOME']}/.cache/llama-cpp-bazel/disk-cache"


def common_options(environment: dict[str, str]) -> tuple[str, ...]:
    """Returns options of all test builds: the caller's downloads and Python, no remote cache."""
    return (
        f"--repository_cache={default_repository_cache(environment)}",
        "--remote_cache=",
        f"--repo_env=PYTHON={os.path.realpath(sys.executable)}",
    )


def shared_repositories() -> tuple[str, ...]:
    """Returns options by which a nested Bazel uses the test's own copies of repositories.

    Unpacking the compiler takes longer than most tests. `REPOSITORIES` has paths of files of them
    (nested_bazel_test.bzl), `external/<canonical name>/...` below the runfiles.
    """
    runfiles = Path(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
    folders = {}
    for path in os.environ["REPOSITORIES"].split():
        _, name, *below = Path(path).parts
        folders[name] = (runfiles / path).resolve().parents[len(below) - 1]
    return tuple(f"--override_repository={name}={path}" for name, path in folders.items())


def unpack_project(archive: str, folder: Path) -> None:
    """Unpacks an archive of the rule `project_archive`."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    # bazelw's decision for an earlier copy in the same place holds until a file is newer than it.
    for path in (folder / "bazel/offline").rglob("*"):
        os.utime(path)


def project_workspace(root: Path, *options: str, **variables: str) -> Workspace:
    """Unpacks the test's copy of the project below a directory; returns a workspace that has it.

    It shares the test's repositories.

    Args:
        root: the directory.
        options: of every build, beside those of every test.
        variables: of its environment, beside the caller's.
    """
    unpack_project(os.environ["PROJECT_ARCHIVE"], root / "project")
    environment = inherited_environment()
    return Workspace(
        root / "project",
        root / "output",
        {**environment, **variables},
        (*common_options(environment), *shared_repositories(), *options),
    )


def date_files(folder: Path, year: int) -> None:
    """Gives every file below a directory a date in a year."""
    seconds = datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc).timestamp()
    for path in folder.rglob("*"):
        os.utime(path, (seconds, seconds))


def other_environment(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Returns an environment with another home, user, locale, time zone and PATH: no difference is
    allowed.

    The caches of bazelw and of its Bazel stay where they are. First on the new PATH are programs
    with the names of compilers and linkers, which fail: a build that calls one of them is not
    hermetic.

    Args:
        environment: the one to differ from.
        folder: where the home and the programs are made.
    """
    home, tools = folder / "another home", folder / "bin"
    home.mkdir(parents=True)
    tools.mkdir()
    for name in ("ar", "c++", "cc", "clang", "g++", "gcc", "ld", "strip", "zig"):
        program = tools / name
        program.write_text(f"#!/bin/sh\necho {name} of the host was called >&2\nexit 1\n")
        program.chmod(0o755)
    cache = environment.get("XDG_CACHE_HOME") or f"{environment['HOME']}/.cache"
    return {
        **environment,
        "HOME": str(home),
        "LANG": "C",
        "LC_ALL": "C",
        "LOGNAME": "somebody",
        "PATH": f"{tools}{os.pathsep}{environment['PATH']}",
        "TZ": "Asia/Kathmandu",
        "USER": "somebody",
        "XDG_CACHE_HOME": cache,
    }
