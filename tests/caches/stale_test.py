"""A change of an action's inputs runs the action again: nothing is served stale.

One wheel of ggml-base and a small module, with a disk cache of the test's own. Each test changes
one thing and checks the executed actions. Then the change is undone, and everything comes out of
the cache again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from counts import row
from nested_bazel import Spawn, Workspace, project_workspace

pytest_plugins = ["counts_fixtures", "nested_bazel_fixtures"]

_TARGET = "//tests/caches/reproducibility:small_wheel"
# All of its compiles.
_OBJECTS = [
    "//tests/caches/reproducibility:small_objects",
    "@llama_cpp//:ggml_base_c",
    "@llama_cpp//:ggml_base_objects",
]
_ZIG = "zig_linux_x86_64"
# With its runtime, which takes longer than everything else.
_TOOLCHAIN = "@bazel_tools//tools/cpp:current_cc_toolchain"
_COMPILER = "zig-cc.sh"
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


def _link_children(folder: Path, links: Path) -> None:
    """Makes a directory with links to the children of another one, but for _COMPILER."""
    links.mkdir()
    for child in folder.iterdir():
        if child.name != _COMPILER:
            (links / child.name).symlink_to(child)


@contextlib.contextmanager
def _appended(file: Path, text: str) -> Iterator[None]:
    """Adds text to a file, for the time of the block."""
    before = file.read_text()
    file.write_text(before + text)
    try:
        yield
    finally:
        file.write_text(before)


@dataclasses.dataclass(frozen=True)
class _Project:
    """A workspace whose llama.cpp and whose compiler may be edited.

    Attributes:
        workspace: The workspace.
        sources: Of llama.cpp.
        zig: The compiler's repository.
        first: The first build.
    """

    workspace: Workspace
    sources: Path
    zig: Path
    first: list[Spawn]

    def objects_that_read(self, header: str) -> set[str]:
        """Returns the objects that are made of sources that include a header, directly or not."""
        wanted = self.sources / header
        folders = [self.sources / "ggml/src", self.sources / "ggml/include"]
        return {
            path
            for path in _objects(self.first)
            if (source := self._source(path)) and wanted in _includes(source, folders)
        }

    def _source(self, path: str) -> Path | None:
        """Returns the source of an object of ggml-base; None for the small module's."""
        name = Path(path).name.partition(".")[0]
        found = [self.sources / f"ggml/src/{name}{suffix}" for suffix in (".c", ".cpp")]
        # ggml has a ggml.c and a ggml.cpp, whose objects differ in their directories only.
        language = ".c" if "/ggml_base_c/" in path else ".cpp"
        return next((file for file in found if file.exists() and file.suffix == language), None)


@pytest.fixture(scope="module")
def built(nested_folder: Path) -> Iterator[_Project]:
    """Yields the project after its first build."""
    with project_workspace(nested_folder) as plain:
        # Files that may be edited, at the same paths as far as an action can see.
        sources = nested_folder.resolve() / "llama.cpp"
        name, repository = plain.external_repository("llama_cpp")
        shutil.copytree(repository, sources, symlinks=True)
        zig = nested_folder.resolve() / "zig"
        zig_name, repository = plain.external_repository(_ZIG)
        _link_children(repository.resolve(), zig)
        shutil.copy(repository / _COMPILER, zig)
        overrides = [
            f"--override_repository={name}={sources}",
            f"--override_repository={zig_name}={zig}",
        ]
        # Out of the user's disk cache, if it is there.
        plain.build([_TOOLCHAIN], *overrides)
        disk_cache = f"--disk_cache={nested_folder}/disk-cache"
        workspace = dataclasses.replace(plain, options=(*plain.options, *overrides, disk_cache))
        yield _Project(workspace, sources, zig, workspace.build([_TARGET]))


def _runtimes(workspace: Workspace, *options: str) -> set[str]:
    """Returns the keys of the actions that make zig's runtime, for the target and for tools."""
    query = f'mnemonic("ZigRuntime", deps({_TARGET}))'
    return {action["actionKey"] for action in workspace.actions(query, *options)}


@pytest.fixture
def project(built: _Project) -> Iterator[_Project]:
    """Yields the project for one change, which the test undoes."""
    yield built
    back = built.workspace.build([_TARGET])
    assert [spawn.label for spawn in back if not spawn.cached] == []


@pytest.fixture
def compiled_again(assert_in_table):
    """Returns a function that returns the objects that a build made again, and checks its line.

    None of the objects may come out of a cache.
    """

    def compiled_again(change: str, spawns: list[Spawn], target: str = _TARGET) -> set[str]:
        objects = _objects(spawns)
        assert _cached(list(objects.values())) == []
        assert_in_table(row(change, target, spawns))
        return set(objects)

    return compiled_again


def test_compile_flag(project, compiled_again):
    spawns = project.workspace.build([_TARGET], "--copt=-O1")
    assert compiled_again("a compile flag", spawns) == set(_objects(project.first))


def test_compiler(project, compiled_again):
    with _appended(project.zig / _COMPILER, "# changed\n"):
        spawns = project.workspace.build([_TARGET])
    assert compiled_again("the compiler", spawns) == set(_objects(project.first))


def test_constraint(project, compiled_again):
    platform = "--platforms=//platforms:linux_x86_64_glibc_2_28"
    options = (platform, "--output_groups=compilation_outputs")
    spawns = project.workspace.build(_OBJECTS, *options)
    again = compiled_again("a constraint: the glibc floor", spawns, " ".join(_OBJECTS))
    assert again == set(_objects(project.first))
    # The toolchain's own runtime is for a glibc too. Its key alone: making it takes a minute.
    assert _runtimes(project.workspace, platform) - _runtimes(project.workspace) != set()


def test_first_build(built, assert_in_table):
    assert _cached(built.first) == []
    assert_in_table(row("nothing: the first build", _TARGET, built.first))


def test_header(project, compiled_again):
    expected = project.objects_that_read(_HEADER)
    assert 0 < len(expected) < len(_objects(project.first))
    with _appended(project.sources / _HEADER, "// changed\n"):
        spawns = project.workspace.build([_TARGET])
    assert compiled_again(f"a header, `{_HEADER}`", spawns) == expected
