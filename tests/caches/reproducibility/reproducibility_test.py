"""The same files give the same bytes and cache entries, whoever builds them, and wherever.

Runs Bazel on two copies of the project, in different directories, with different output roots,
homes, users and PATHs. The target is small (ggml-base and a wheel of it) and uses every rule that
the real wheel uses. Asserts numbers of actions, never times.
"""

from __future__ import annotations

import os
import shutil
import unittest
from pathlib import Path

import compare_builds
import nested_bazel
from counts import CountsTestCase, row
from nested_bazel import Workspace

_TARGETS = ["//tests/caches/reproducibility:small_wheel"]


class ReproducibilityTest(CountsTestCase):
    """Builds once for all tests: both workspaces, and the second with the first one's cache."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        first, second = cls._make_workspaces()
        cls.addClassCleanup(second.remove)
        cls.addClassCleanup(first.remove)
        cache = f"--disk_cache={first.output_root}/disk-cache"
        cls.first = first.build(_TARGETS, cache)
        cls.second = second.build(_TARGETS, "--disk_cache=")
        second.clean()
        cls.elsewhere = second.build(_TARGETS, cache, "--jobs=1")
        cls.version = second.build(_TARGETS, cache, "--//:version=9.9.9")
        print(compare_builds.table(cls.first, cls.second))

    @classmethod
    def _make_workspaces(cls) -> tuple[Workspace, Workspace]:
        # Always the same directory: bazelw remembers something about each one.
        folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, folder)
        environment = nested_bazel.inherited_environment()
        other = nested_bazel.other_environment(environment, folder / "environment")
        options = nested_bazel.common_options(environment)
        result = []
        for name, variables, umask in (("first", environment, 0o022), ("a second", other, 0o077)):
            project = folder / name / "project"
            nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], project)
            result.append(Workspace(project, folder / name / "output", variables, options, umask))
        nested_bazel.date_files(result[1].folder / "third_party", year=2001)
        return result[0], result[1]

    def test_both_builds_made_everything(self) -> None:
        for build in (self.first, self.second):
            self.assertEqual([], [spawn for spawn in build if spawn.cached])
            paths = [path for spawn in build for path in spawn.outputs]
            self.assertEqual(len(set(paths)), len(paths), "a file was made more than once")
            kinds = {spawn.mnemonic for spawn in build}
            self.assertLessEqual(
                {"CheckWheel", "CppCompile", "CppLink", "PyAbiWheel", "ZigRuntime"}, kinds
            )

    def test_the_same_bytes(self) -> None:
        self.assertEqual([], compare_builds.different_outputs(self.first, self.second))

    def test_elsewhere_nothing_is_executed(self) -> None:
        self.assertEqual([], [spawn for spawn in self.elsewhere if not spawn.cached])
        change = (
            "folder, user, HOME, PATH, umask, locale, time zone, files' dates, time of day, "
            "`--jobs`"
        )
        self.assert_in_table(row(change, _TARGETS[0], self.elsewhere))
        self.assertEqual(
            nested_bazel.outputs(self.first),
            nested_bazel.outputs(self.elsewhere),
        )

    def test_a_version_writes_and_checks_the_wheel_alone(self) -> None:
        executed = [(spawn.mnemonic, spawn.label) for spawn in self.version if not spawn.cached]
        expected = [("CheckWheel", _TARGETS[0]), ("PyAbiWheel", _TARGETS[0])]
        self.assertEqual(expected, sorted(executed))


if __name__ == "__main__":
    unittest.main()
