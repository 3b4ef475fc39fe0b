"""The same files give the same bytes and cache entries, whoever builds them, and wherever.

Runs Bazel on two copies of the project, in different directories, with different output roots,
homes, users and PATHs. The first one's results may be those of an earlier build of this machine's
user, out of the disk cache; the second one executes everything. The target is small (ggml-base and
a wheel of it) and uses every rule that the real wheel uses. Asserts numbers of actions, never
times.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

import compare_builds
import nested_bazel
import pytest
from counts import row
from nested_bazel import Spawn, Workspace

pytest_plugins = ["counts_fixtures", "nested_bazel_fixtures"]

_TARGETS = ["//tests/caches/reproducibility:small_wheel"]


@dataclasses.dataclass(frozen=True)
class _Builds:
    """The actions of four builds.

    Attributes:
        first: In the first workspace, with the user's disk cache.
        second: In the second one, without a cache.
        elsewhere: In the second one, with the user's disk cache.
        version: The same with another version.
    """

    first: list[Spawn]
    second: list[Spawn]
    elsewhere: list[Spawn]
    version: list[Spawn]


def _make_workspaces(folder: Path) -> tuple[Workspace, Workspace]:
    environment = nested_bazel.inherited_environment()
    other = nested_bazel.other_environment(environment, folder / "environment")
    options = nested_bazel.common_options(environment)
    result = []
    # The compiler is in another place too.
    for name, variables, umask, repositories in (
        ("first", environment, 0o022, nested_bazel.shared_repositories()),
        ("a second", other, 0o077, ()),
    ):
        project = folder / name / "project"
        nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], project)
        output = folder / name / "output"
        result.append(Workspace(project, output, variables, (*options, *repositories), umask))
    nested_bazel.date_files(result[1].folder / "third_party", year=2001)
    return result[0], result[1]


@pytest.fixture(scope="module")
def builds(nested_folder: Path) -> Iterator[_Builds]:
    """Yields the builds of both workspaces."""
    first, second = _make_workspaces(nested_folder)
    # By its path, since the second one has another home.
    cache = f"--disk_cache={nested_bazel.default_disk_cache(first.environment)}"
    # A version that no cache has seen.
    version_flag = f"--//:version=9.{time.time_ns()}"
    with first, second:
        with concurrent.futures.ThreadPoolExecutor() as threads:
            one = threads.submit(first.build, _TARGETS, cache)
            two = threads.submit(second.build, _TARGETS, "--disk_cache=")
        print(compare_builds.table(one.result(), two.result()))
        second.clean()
        elsewhere = second.build(_TARGETS, cache, "--jobs=1")
        version = second.build(_TARGETS, cache, version_flag)
        yield _Builds(one.result(), two.result(), elsewhere, version)


def test_the_second_build_executed_everything(builds):
    assert [spawn for spawn in builds.second if spawn.cached] == []
    for build in (builds.first, builds.second):
        paths = [path for spawn in build for path in spawn.outputs]
        assert len(paths) == len(set(paths)), "a file was made more than once"
        kinds = {spawn.mnemonic for spawn in build}
        assert {"CheckWheel", "CppCompile", "CppLink", "PyAbiWheel", "ZigRuntime"} <= kinds


def test_the_same_bytes(builds):
    assert compare_builds.different_outputs(builds.first, builds.second) == []


def test_elsewhere_nothing_is_executed(builds, assert_in_table):
    assert [spawn for spawn in builds.elsewhere if not spawn.cached] == []
    change = (
        "folder, user, HOME, PATH, umask, locale, time zone, files' dates, time of day, `--jobs`"
    )
    assert_in_table(row(change, _TARGETS[0], builds.elsewhere))
    assert nested_bazel.outputs(builds.elsewhere) == nested_bazel.outputs(builds.first)


def test_a_version_writes_and_checks_the_wheel_alone(builds):
    executed = [(spawn.mnemonic, spawn.label) for spawn in builds.version if not spawn.cached]
    expected = [("CheckWheel", _TARGETS[0]), ("PyAbiWheel", _TARGETS[0])]
    assert sorted(executed) == expected
