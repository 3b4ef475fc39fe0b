"""The source distribution: its contents, that it can make itself again, and that the same files
give the same bytes."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename

NAME = "llama_cpp_python-0.3.100"
MODEL = "tests/models/some-model.gguf"

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="no git on PATH")


def make(tree, **variables: str) -> Path:
    """Makes the sdist; returns its path."""
    result = tree.call("build_sdist", str(tree.out), **variables)
    assert result.value == f"{NAME}.tar.gz"
    return tree.out / result.value


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    """Returns path below the archive's one directory -> entry."""
    with tarfile.open(path) as archive:
        entries = archive.getmembers()
    assert all(entry.name.startswith(f"{NAME}/") for entry in entries)
    return {entry.name[len(NAME) + 1 :]: entry for entry in entries}


def text(path: Path, name: str) -> str:
    with tarfile.open(path) as archive:
        return archive.extractfile(f"{NAME}/{name}").read().decode()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def use_git(root: Path) -> None:
    """Makes the tree a clone: nothing lists its files but git."""
    (root / "MANIFEST").unlink()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all"], cwd=root, check=True)


def test_holds_the_project_and_its_own_metadata(tree) -> None:
    (tree.root / MODEL).parent.mkdir(parents=True)
    (tree.root / MODEL).write_bytes(b"GGUF")
    with (tree.root / "MANIFEST").open("a") as manifest:
        manifest.write(f"{MODEL}\n")
    path = make(tree)
    # `MANIFEST` of the tree, like everything that no list names, is not in it; a new one is.
    assert set(members(path)) == files(tree.root) - {MODEL} | {"PKG-INFO", "MANIFEST"}
    listed = text(path, "MANIFEST").splitlines()
    assert listed == sorted(files(tree.root) - {MODEL, "MANIFEST"})
    assert parse_sdist_filename(path.name)[0] == "llama-cpp-python"


def test_entries_say_nothing_of_who_made_it_and_when(tree) -> None:
    path = make(tree)
    entries = members(path)
    assert {(e.uid, e.gid, e.uname, e.gname, e.type) for e in entries.values()} == {
        (0, 0, "", "", tarfile.REGTYPE)
    }
    assert {entry.mtime for entry in entries.values()} == {315532800}
    modes = {name: entry.mode for name, entry in entries.items()}
    assert set(modes.values()) == {0o644, 0o755}
    assert modes["bazelw"] == modes["bazel/toolchains/zig/zig-cc.sh"] == 0o755
    assert modes["MODULE.bazel"] == modes["PKG-INFO"] == 0o644
    # Neither a name nor a time in the header of gzip.
    assert path.read_bytes()[3:8] == b"\0" * 5
    assert gzip.decompress(path.read_bytes())


def test_the_same_files_give_the_same_bytes(tree, tmp_path) -> None:
    first = make(tree).read_bytes()
    for root, _, names in os.walk(tree.root):
        for name in names:
            os.utime(Path(root, name), (1, 1))
    (tree.root / "bazelw").chmod(0o700)
    (tree.root / "not listed").touch()
    other = tree._replace(root=tmp_path / "elsewhere")
    shutil.copytree(tree.root, other.root)
    assert make(other, TZ="Asia/Kathmandu", LANG="C", USER="x").read_bytes() == first


def test_an_unpacked_sdist_makes_the_same_one(tree, tmp_path) -> None:
    path = make(tree)
    first = path.read_bytes()
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "unpacked", **safely())
    again = tree._replace(root=tmp_path / "unpacked" / NAME)
    (again.root / "bazel-bin").mkdir()
    (again.root / "bazel-bin/leftover").touch()
    assert make(again).read_bytes() == first


def safely() -> dict[str, str]:
    """pip unpacks with this filter (PEP 706) where Python has it."""
    return {"filter": "data"} if hasattr(tarfile, "data_filter") else {}


@needs_git
def test_a_clone_gives_what_git_tracks(tree) -> None:
    expected = make(tree).read_bytes()
    use_git(tree.root)
    (tree.root / "untracked").touch()
    assert make(tree).read_bytes() == expected


@needs_git
def test_a_deleted_file_that_is_still_tracked_is_left_out(tree) -> None:
    use_git(tree.root)
    (tree.root / "README.md").rename(tree.root / "READ ME.md")
    (tree.root / "LICENSE").unlink()
    (tree.root / "README.md").touch()
    names = set(members(make(tree)))
    assert "LICENSE" not in names and "READ ME.md" not in names and "README.md" in names


def test_a_link_is_refused(tree) -> None:
    (tree.root / "BUILD.bazel").rename(tree.root / "other")
    (tree.root / "BUILD.bazel").symlink_to("other")
    result = tree.call("build_sdist", str(tree.out))
    assert result.status == 1
    assert result.said.splitlines()[-1] == (
        "llama-cpp-python: BUILD.bazel is a symbolic link, which an sdist cannot have: commit a "
        "file"
    )


def test_neither_a_manifest_nor_git(tree) -> None:
    (tree.root / "MANIFEST").unlink()
    result = tree.call("build_sdist", str(tree.out), PATH="/nonexistent")
    assert result.status == 1
    last = result.said.splitlines()[-1]
    assert last.startswith(
        f"llama-cpp-python: {tree.root} has neither a MANIFEST nor a git that lists its files ("
    )
    assert last.endswith("): make the sdist in a clone or in an unpacked sdist")


def test_pkg_info_is_valid_and_promises_all_but_the_licences(tree) -> None:
    metadata = Metadata.from_email(text(make(tree), "PKG-INFO"), validate=True)
    assert metadata.metadata_version == "2.4"
    assert (metadata.name, str(metadata.version)) == ("llama-cpp-python", "0.3.100")
    assert metadata.dynamic == ["license-file"]
    assert metadata.license_files == ["LICENSE"]
    assert metadata.description == (tree.root / "README.md").read_text()
    extras = {"cuda12", "cuda13", "disk-cache", "hub", "metal", "rocm6", "server", "vulkan"}
    assert set(metadata.provides_extra) == extras


def test_a_label_is_the_wheels_alone(tree) -> None:
    result = tree.call("build_sdist", str(tree.out), {"local-label": "auto", "backend": "stone"})
    assert result.value == f"{NAME}.tar.gz"
