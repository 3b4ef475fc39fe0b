"""Packages of Debian: which are fetched, how they are changed, and the messages on failure.

apt and dpkg are stand-ins.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = Path(os.environ["FETCH_PACKAGES"])

# Knows the packages in FAKE_ARCHIVE/SUITE, files called NAME_VERSION_amd64.deb; writes down each
# call.
_APT_GET = """
echo "$*" >> "$FAKE_LOG"
suite=$(sed -n 's/^Suites: //p' "${APT_CONFIG%/*}/sources/debian.sources")
archive=$FAKE_ARCHIVE/$suite
case " $* " in
*" update "*) [ -d "$archive" ] || { echo "404 Not Found" >&2; exit 100; } ;;
*" install "*)
    for file in "$archive"/*.deb; do
        name=${file##*/}
        set -- $(sha256sum "$file")
        echo "'where/x' $name 1000 SHA256:${FAKE_SHA256-$1}"
    done ;;
*" download "*)
    for wanted; do
        case $wanted in
        *=*) cp "$archive/${wanted%%=*}_${wanted#*=}_amd64.deb" . || exit 100 ;;
        esac
    done ;;
esac
"""

# A "package" is an archive of files.
_DPKG_DEB = 'mkdir -p "$3" && tar --extract --file "$2" --directory "$3"\n'
_TOOLS = ("cp", "mkdir", "sed", "sh", "sha256sum", "tar")


class Debian:
    """An archive, a lock file, and a machine to fetch on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "archive"
        self.lock = folder / "lock.json"
        self.log = folder / "apt.log"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in _TOOLS:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, text in {
            "apt-get": _APT_GET,
            "dpkg": "echo amd64\n",
            "dpkg-deb": _DPKG_DEB,
        }.items():
            (self.bin / name).write_text("#!/bin/sh\n" + text)
            (self.bin / name).chmod(0o755)
        self.environment = {
            "BAZELW_DEBIAN_MIRROR": "http://archive.invalid/debian",
            "FAKE_ARCHIVE": str(self.archive),
            "FAKE_LOG": str(self.log),
            "HOME": str(folder),
            "PATH": str(self.bin),
        }

    def package(self, suite: str, name: str, version: str, files: dict[str, str]) -> dict[str, str]:
        """Puts a package into a suite and returns its pin; a text beginning with `->` is a link."""
        tree = self.folder / f"tree-{suite}-{name}-{version}"
        tree.mkdir()
        for path, text in files.items():
            file = tree / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("->"):
                file.symlink_to(text[2:])
            else:
                file.write_text(text)
        (self.archive / suite).mkdir(parents=True, exist_ok=True)
        deb = self.archive / suite / f"{name}_{version}_amd64.deb"
        subprocess.run(["tar", "--create", "--file", deb, "--directory", tree, "."], check=True)
        return {"sha256": hashlib.sha256(deb.read_bytes()).hexdigest(), "version": version}

    def write_lock(self, pins: dict[str, Any], dependencies: Sequence[str] = ("*",)) -> None:
        lock = {"suites": ["new", "old"], "packages": ["tool"], "dependencies": dependencies}
        self.lock.write_text(json.dumps({**lock, "pins": {"amd64": pins}}))

    def run(self, *arguments: str) -> str:
        command = [sys.executable, "-B", _PROGRAM, *arguments]
        result = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def fetch(self, **request: Any) -> tuple[Path, dict[str, Any]]:
        """Returns the directory of the packages and the program's answer."""
        folder = self.folder / f"repository-{len(list(self.folder.glob('repository-*')))}"
        folder.mkdir()
        request |= {"lock": str(self.lock), "folder": str(folder)}
        return folder, json.loads(self.run(json.dumps(request)))

    def calls(self, command: str) -> int:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sum(command in line.split() for line in lines)


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    return Debian(tmp_path)


def test_pinned_packages_are_fetched_once(debian: Debian) -> None:
    pin = debian.package("new", "tool", "1", {"usr/bin/tool": "one"})
    debian.write_lock({"tool": pin})
    for _ in range(2):
        folder, answer = debian.fetch()
        assert (folder / "usr/bin/tool").read_text() == "one"
        assert [path.name for path in folder.iterdir()] == ["usr"]
        file = {"file": "tool_1_amd64.deb", "sha256": pin["sha256"]}
        assert answer == {"missing": "", "note": "", "packages": {"tool": file}}
    assert debian.calls("update") == debian.calls("download") == 1


def test_the_pinned_version_is_taken_from_whichever_suite_has_it(debian: Debian) -> None:
    debian.package("new", "tool", "2", {"usr/bin/tool": "two"})
    debian.write_lock({"tool": debian.package("old", "tool", "1", {"usr/bin/tool": "one"})})
    folder, answer = debian.fetch()
    assert (folder / "usr/bin/tool").read_text() == "one"
    assert answer["note"] == ""


def test_what_debian_has_replaced_comes_in_its_newest_version(debian: Debian) -> None:
    debian.package("new", "tool", "2", {"usr/bin/tool": "two"})
    debian.write_lock({"tool": {"sha256": 64 * "0", "version": "1"}})
    folder, answer = debian.fetch()
    assert (folder / "usr/bin/tool").read_text() == "two"
    assert answer["note"] == "Debian has moved on: not the pinned tool"
    assert answer["packages"]["tool"]["file"] == "tool_2_amd64.deb"


def test_a_suite_that_does_not_answer_is_passed_over(debian: Debian) -> None:
    debian.package("old", "tool", "1", {"usr/bin/tool": "one"})
    debian.write_lock({})
    folder, _ = debian.fetch()
    assert (folder / "usr/bin/tool").is_file()


def test_contents_that_are_not_the_pinned_ones_are_not_taken_for_them(debian: Debian) -> None:
    debian.package("new", "tool", "1", {"usr/bin/tool": "other"})
    debian.write_lock({"tool": {"sha256": 64 * "0", "version": "1"}})
    _, answer = debian.fetch()
    assert "not the pinned tool" in answer["note"]


def test_contents_that_the_index_does_not_name_are_refused(debian: Debian) -> None:
    debian.package("new", "tool", "1", {"usr/bin/tool": "other"})
    debian.environment["FAKE_SHA256"] = 64 * "1"
    debian.write_lock({})
    folder, answer = debian.fetch()
    assert "tool 1 has other contents" in answer["missing"]
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("dependencies", "fetched"), [([], ["tool"]), (["libb*"], ["libb1", "tool"])]
)
def test_dependencies_are_chosen_by_patterns(
    debian: Debian, dependencies: list[str], fetched: list[str]
) -> None:
    for name in ("liba1", "libb1", "tool"):
        debian.package("new", name, "1", {f"usr/lib/{name}": ""})
    debian.write_lock({}, dependencies)
    folder, _ = debian.fetch()
    assert sorted(path.name for path in (folder / "usr/lib").iterdir()) == fetched


def test_folders_of_older_releases_are_merged_into_usr(debian: Debian) -> None:
    files = {"lib/cpu/libz.so.1.2": "z", "lib/cpu/libz.so.1": "->libz.so.1.2"}
    debian.package("new", "tool", "1", {**files, "usr/lib/cpu/libz.so": "->/lib/cpu/libz.so.1"})
    debian.write_lock({})
    folder, _ = debian.fetch()
    assert (folder / "usr/lib/cpu/libz.so.1").read_text() == "z"
    link = folder / "usr/lib/cpu/libz.so"
    assert link.read_text() == "z"
    assert not os.readlink(link).startswith("/")


def test_licences_stay_and_what_is_left_out_goes(debian: Debian) -> None:
    files = ["usr/share/doc/tool/copyright", "usr/share/doc/tool/README", "usr/lib/big", "etc/x/y"]
    debian.package("new", "tool", "1", dict.fromkeys(files, ""))
    debian.write_lock({})
    folder, _ = debian.fetch(leave_out=["usr/lib/b*", "etc"])
    found = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert found == ["usr/share/doc/tool/copyright"]


def test_a_machine_that_is_not_debian(debian: Debian) -> None:
    (debian.bin / "apt-get").unlink()
    debian.write_lock({})
    folder, answer = debian.fetch()
    assert "this is not a Debian-like machine (no apt-get)" in answer["missing"]
    assert answer["packages"] == {}
    assert not list(folder.iterdir())


def test_pinning_writes_what_debian_has_today(debian: Debian) -> None:
    pins = {name: debian.package("new", name, "2", {}) for name in ("libb1", "tool")}
    debian.package("new", "liba1", "2", {})
    debian.write_lock({"tool": {"sha256": 64 * "0", "version": "1"}}, ["libb*"])
    debian.run("--pin", str(debian.lock))
    assert json.loads(debian.lock.read_text())["pins"]["amd64"] == pins
