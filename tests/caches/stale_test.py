"""A change of an action's inputs runs the action again: nothing is served stale.

One wheel of ggml-base and a small module, with a disk cache of the test's own. Each test changes
one thing, checks the executed actions, and undoes it, after which everything comes out of the cache
again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import unittest
from collections.abc import Iterator, Sequence
from pathlib import Path

from counts import CountsTestCase, row
from nested_bazel import Spawn, project_workspace

_TARGET = "//tests/caches/reproducibility:small_wheel"
_COMPILER = "bazel/toolchains/zig/zig-cc.sh"
_HEADER = "ggml/src/ggml-impl.h"


def _objects(spawns: list[Spawn]) -> dict[str, Spawn]:
    """Returns a mapping: object file -> the compile that makes it."""
    return {
        path: spawn
        for spawn in spawns
        if spawn.mnemonic == "CppCompile"
        for path in spawn.outputs
        if path.endswith(".o")
    }


def _cached(spawns: list[Spawn]) -> list[str]:
    return [spawn.label for spawn in spawns if spawn.cached]


def _includes(file: Path, folders: Sequence[Path]) -> set[Path]:
    """Returns a file, and those below some directories that it includes, directly or not."""
    result, todo = set(), [file]
    while todo:
        current = todo.pop()
        result.add(current)
        names = re.findall(r'^\s*#\s*include\s+"([^"]+)"', current.read_text(), re.MULTILINE)
        places = [folder / name for folder in (current.parent, *folders) for name in names]
        todo += [
            place.resolve() for place in places if place.is_file() and place.resolve() not in result
        ]
    return result


@contextlib.contextmanager
def _appended(file: Path, text: str) -> Iterator[None]:
    """Adds text to a file, for the time of the block."""
    before = file.read_text()
    file.write_text(before + text)
    try:
        yield
    finally:
        file.write_text(before)


class StaleTest(CountsTestCase):
    """The first build happens once for all tests."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        # Always the same directory: bazelw remembers something about each one.
        folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
        cls.addClassCleanup(shutil.rmtree, folder)
        workspace = project_workspace(folder, f"--disk_cache={folder}/disk-cache")
        cls.addClassCleanup(workspace.remove)
        name, sources = workspace.external_repository("llama_cpp")
        # Sources that may be edited, at the same path as far as an action can see.
        cls.sources = folder.resolve() / "llama.cpp"
        shutil.copytree(sources, cls.sources, symlinks=True)
        cls.folders = [cls.sources / "ggml/src", cls.sources / "ggml/include"]
        override = f"--override_repository={name}={cls.sources}"
        cls.workspace = dataclasses.replace(workspace, options=(*workspace.options, override))
        cls.first = cls.workspace.build([_TARGET])

    def setUp(self) -> None:
        # An earlier test leaves this behind if it failed.
        self.workspace.build([_TARGET])

    def _assert_undone(self) -> None:
        back = self.workspace.build([_TARGET])
        self.assertEqual([], [spawn.label for spawn in back if not spawn.cached])

    def _compiled_again(self, change: str, spawns: list[Spawn]) -> set[str]:
        """Objects that were made again. None of them may come out of a cache."""
        objects = _objects(spawns)
        self.assertEqual([], _cached(list(objects.values())))
        self.assert_in_table(row(change, _TARGET, spawns))
        return set(objects)

    def test_first_build(self) -> None:
        self.assertEqual([], _cached(self.first))
        self.assert_in_table(row("nothing: the first build", _TARGET, self.first))

    def test_compile_flag(self) -> None:
        spawns = self.workspace.build([_TARGET], "--copt=-O1")
        self.assertEqual(set(_objects(self.first)), self._compiled_again("a compile flag", spawns))
        self._assert_undone()

    def test_constraint(self) -> None:
        platform = "--platforms=//platforms:linux_x86_64_glibc_2_28"
        spawns = self.workspace.build([_TARGET], platform)
        again = self._compiled_again("a constraint: the glibc floor", spawns)
        self.assertEqual(set(_objects(self.first)), again)
        # The toolchain's own runtime is for a glibc too.
        self.assertIn("ZigRuntime", {spawn.mnemonic for spawn in spawns if not spawn.cached})
        self._assert_undone()

    def test_compiler(self) -> None:
        with _appended(self.workspace.folder / _COMPILER, "# changed\n"):
            spawns = self.workspace.build([_TARGET])
        self.assertEqual(set(_objects(self.first)), self._compiled_again("the compiler", spawns))
        self._assert_undone()

    def test_header(self) -> None:
        expected = self._objects_that_read(_HEADER)
        self.assertTrue(0 < len(expected) < len(_objects(self.first)))
        with _appended(self.sources / _HEADER, "// changed\n"):
            spawns = self.workspace.build([_TARGET])
        self.assertEqual(expected, self._compiled_again(f"a header, `{_HEADER}`", spawns))
        self._assert_undone()

    def _objects_that_read(self, header: str) -> set[str]:
        """Returns the objects that are made of sources that include a header, directly or not."""
        wanted = self.sources / header
        return {
            path
            for path in _objects(self.first)
            if (source := self._source(path)) and wanted in _includes(source, self.folders)
        }

    def _source(self, path: str) -> Path | None:
        """Returns the source of an object of ggml-base; None for the small module's."""
        name = Path(path).name.partition(".")[0]
        found = [self.sources / f"ggml/src/{name}{suffix}" for suffix in (".c", ".cpp")]
        # ggml has a ggml.c and a ggml.cpp, whose objects differ in their directories only.
        language = ".c" if "/ggml_base_c/" in path else ".cpp"
        return next((file for file in found if file.exists() and file.suffix == language), None)


if __name__ == "__main__":
    unittest.main()
