"""`pip_files`: optional files that can't be had make their users incompatible, with the reason.

Other bytes than the pinned ones are an error. `pip_archive`: a file of the tree that it adds is
read again after an edit. In a copy of the project with a module extension and
a package of the test's own.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from nested_bazel import NestedBazelError, Workspace, project_workspace

pytest_plugins = ["nested_bazel_fixtures"]

_THERE, _ABSENT, _OTHER = (f"{name}-1.0-py3-none-any.whl" for name in ("there", "absent", "other"))
_ARCHIVE = "archive-1.0-py3-none-any.whl"
_OTHER_BYTES = b"other bytes than the pinned ones"


def _pins(*files: str) -> str:
    """Returns pins of the rule, each with the SHA-256 of the file's own name."""
    return json.dumps(
        {
            file: f"{file.split('-')[0]} {hashlib.sha256(file.encode()).hexdigest()}"
            for file in files
        }
    )


_EXTENSION = """
load("//bazel/pip:pip_archive.bzl", "pip_archive")
load("//bazel/pip:pip_files.bzl", "pip_files")

def _impl(_):
    pip_archive(
        name = "an_archive",
        build_file_content = 'exports_files(["program.sh"])',
        file = "{archive}",
        files = {{"//some:program.sh": "program.sh"}},
        package = "archive",
        sha256 = "{sha256}",
    )
    pip_files(name = "optional_files", optional = True, files = {files})
    pip_files(name = "needed_files", files = {files})
    pip_files(name = "other_files", optional = True, files = {other_files})

some = module_extension(implementation = _impl)
"""

_MODULE = """
some = use_extension("//some:extension.bzl", "some")
use_repo(some, "an_archive", "needed_files", "optional_files", "other_files")
"""

_BUILD = """
load("@optional_files//:missing.bzl", "MISSING")
load("//bazel/availability:defs.bzl", "where_found")

[
    filegroup(
        name = file.split("-")[0],
        srcs = [] if file in MISSING else ["@optional_files//:" + file],
        target_compatible_with = where_found(MISSING.get(file, "")),
    )
    for file in {files}
]
"""


@pytest.fixture(scope="module")
def workspace(nested_folder: Path) -> Iterator[Workspace]:
    """Yields the copy; of the wheels one is in the directory that pip's settings name."""
    wheels = nested_folder / "wheels"
    wheels.mkdir()
    (wheels / _THERE).write_text(_THERE)
    (wheels / _OTHER).write_bytes(_OTHER_BYTES)
    with zipfile.ZipFile(wheels / _ARCHIVE, "w") as archive:
        archive.writestr("some.txt", "some text")
    sha256 = hashlib.sha256((wheels / _ARCHIVE).read_bytes()).hexdigest()
    settings = {"PIP_FIND_LINKS": str(wheels), "PIP_INDEX_URL": "http://127.0.0.1:1/simple"}
    files, other_files = _pins(_THERE, _ABSENT), _pins(_OTHER)
    with project_workspace(nested_folder, **settings) as workspace:
        package = workspace.folder / "some"
        package.mkdir()
        (package / "extension.bzl").write_text(
            _EXTENSION.format(archive=_ARCHIVE, files=files, other_files=other_files, sha256=sha256)
        )
        (package / "program.sh").write_text("before\n")
        (package / "BUILD.bazel").write_text(_BUILD.format(files=files))
        with (workspace.folder / "MODULE.bazel").open("a") as module:
            module.write(_MODULE)
        yield workspace


def test_all_targets_are_built_but_for_those_that_lack_a_file(workspace: Workspace) -> None:
    workspace.build(["//some:all"])
    workspace.build(["//some:there"])


def test_a_named_target_gives_its_own_reason(workspace: Workspace) -> None:
    reason = f"{_ABSENT}.*(connection refused|Connection refused)"
    with pytest.raises(NestedBazelError, match=reason):
        workspace.build(["//some:absent"])


def test_other_bytes_are_an_error(workspace: Workspace) -> None:
    served = hashlib.sha256(_OTHER_BYTES).hexdigest()
    with pytest.raises(NestedBazelError, match=f"pip: {_OTHER} .* serves it with {served}"):
        workspace.build(["@other_files//:files"])


def test_a_file_that_is_not_optional_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(NestedBazelError, match=f"pip: {_ABSENT} .* can't be had from the index"):
        workspace.build(["@needed_files//:files"])


def test_an_added_file_is_read_again_after_an_edit(workspace: Workspace) -> None:
    _, repository = workspace.external_repository("an_archive")
    assert (repository / "program.sh").read_text() == "before\n"
    (workspace.folder / "some/program.sh").write_text("after\n")
    workspace.build(["@an_archive//:program.sh"])
    assert (repository / "program.sh").read_text() == "after\n"
