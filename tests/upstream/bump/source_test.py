"""Where sources come from, and the messages if they can't be had."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from conftest import Write

from tools.bump import archive, source, versions
from tools.bump.errors import BumpError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def fails(match: str, text: str, scratch: Path, commit: str = "") -> str:
    """Returns the command that the message gives."""
    with pytest.raises(BumpError, match=match) as error:
        source.resolve(text, commit, scratch)
    return error.value.command


def test_an_sdist_wherever_it_has_them(pack: Write, write_tree: Write, tmp_path: Path) -> None:
    packed = pack("some_package-1.2", third=write_tree("tree", {"src/llama.cpp": "text"}))
    found = source.resolve("Some-Package==1.2", COMMIT, tmp_path)
    assert found.commit == COMMIT[:9]
    assert found.pin == source.Pin(
        "Some-Package", packed.name, archive.sha256(packed), "some_package-1.2/third"
    )
    assert (found.tree / "src/llama.cpp").read_text() == "text"
    assert versions.own(found.tree) == {"LLAMA_VERSION": "7.1.2", "GGML_VERSION": "8.3.4"}
    assert versions.components(found.tree)["stb_image"] == "94.1"


def test_the_commit_of_a_submodule(pack: Write, write_tree: Write, tmp_path: Path) -> None:
    tree = write_tree("tree", {".git": "gitdir: ../.git/modules/x\n"})
    (tmp_path / "modules/x").mkdir(parents=True)
    (tmp_path / "modules/x/HEAD").write_text(COMMIT + "\n")
    pack("p-1", llama=tree, **{".git/modules": tmp_path / "modules"})
    assert source.resolve("p==1", "", tmp_path).commit == COMMIT[:9]


def test_without_a_commit_the_build_number_is_proposed(
    pack: Write, write_tree: Write, tmp_path: Path
) -> None:
    pack("p-2026.10.11549", llama=write_tree("tree", {}))
    command = fails("does not say which commit", "p==2026.10.11549", tmp_path)
    assert command == "./bazelw run //tools:bump_llama_cpp -- p==2026.10.11549 --commit=b11549"
    assert source.resolve("p==2026.10.11549", "b11549", tmp_path).commit == "b11549"


def test_a_version_that_no_index_has(pack: Write, write_tree: Write, tmp_path: Path) -> None:
    pack("p-1", llama=write_tree("tree", {}))
    assert fails("has no sdist of p 2", "p==2", tmp_path) == "pip index versions p"


def test_an_sdist_without_or_with_two(pack: Write, write_tree: Write, tmp_path: Path) -> None:
    tree = write_tree("tree", {})
    pack("none-1", llama=write_tree("other", {"include/llama.h": None}))
    pack("two-1", a=tree, b=tree)
    fails("should hold one llama.cpp.*found: none", "none==1", tmp_path, COMMIT)
    fails("found: two-1/a, two-1/b", "two==1", tmp_path, COMMIT)


def test_bytes_that_are_no_archive(find_links: Path, tmp_path: Path) -> None:
    (find_links / "p-1.tar.gz").write_text("<html>")
    fails("p-1.tar.gz is no tar archive", "p==1", tmp_path)


def test_an_address(pack: Write, write_tree: Write, tmp_path: Path) -> None:
    address = pack("llama.cpp-x", llama=write_tree("tree", {})).as_uri()
    assert "--commit=COMMIT" in fails("needs the commit", address, tmp_path)
    found = source.resolve(address, COMMIT, tmp_path)
    assert found.pin and found.pin.file == address
    assert source.pinned(found.pin, tmp_path).is_dir()
    fails("can't be downloaded", address + "x", tmp_path, COMMIT)


def test_a_checkout(write_tree: Write, tmp_path: Path) -> None:
    tree = write_tree("tree", {})
    assert source.resolve(str(tree), COMMIT, tmp_path) == source.Source(tree, COMMIT[:9], None)
    (tree / "include/llama.h").unlink()
    fails("is no checkout of llama.cpp: it has no include/llama.h", str(tree), tmp_path)


def test_neither(tmp_path: Path) -> None:
    assert fails("name==version", "xllamacpp", tmp_path) == "pip index versions xllamacpp"


def test_names_that_lead_out_are_left_out(tmp_path: Path) -> None:
    packed = tmp_path / "x.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        for name in ("root/file", "root/../../outside"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    archive.unpack(packed, "root", tmp_path / "a/b")
    assert [path.name for path in (tmp_path / "a").rglob("*") if path.is_file()] == ["file"]


def test_a_version_that_the_sources_no_longer_state(write_tree: Write) -> None:
    with pytest.raises(BumpError, match="states no version"):
        versions.own(write_tree("a", {"CMakeLists.txt": "project(llama)"}))
    with pytest.raises(BumpError, match="ggml/CMakeLists.txt of the new sources is gone"):
        versions.own(write_tree("b", {"ggml/CMakeLists.txt": None}))


def test_vendored_works_that_come_and_go(write_tree: Write) -> None:
    new = write_tree("c", {"vendor/nlohmann/json.hpp": None, "vendor/other/other.h": ""})
    assert "nlohmann-json" not in versions.components(new)
    assert versions.vendored(new) == {
        "vendor/cpp-httplib": "httplib 90.1.2",
        "vendor/hash": "xxhash 91.1.2",
        "vendor/miniaudio": "miniaudio 92.1.2",
        "vendor/other": "",
        "vendor/stb": "stb_image 94.1",
    }
