"""Bazelisk of npm, with a server of the test's own in the place of Bazel's releases."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterator

import pytest
import stand_ins
from machine import VERSION, Machine, assert_ran


class Npm:
    """A machine with an npm that has Bazelisk, and a server with releases of Bazel.

    Attributes:
        machine: The machine.
        requests: Paths of the requests that the server has answered.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.requests: list[str] = []
        requests = self.requests

        class Releases(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                requests.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Releases)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        _pack_bazelisk(machine)

    def stop(self) -> None:
        """Ends the server; may be called twice."""
        self._server.shutdown()
        self._server.server_close()

    def bazelw(self) -> subprocess.CompletedProcess[str]:
        """Runs bazelw, for which the server has the releases."""
        releases = f"http://127.0.0.1:{self._server.server_port}/mirror"
        return self.machine.bazelw("build", BAZELISK_BASE_URL=releases, no_proxy="127.0.0.1")


@pytest.fixture
def npm(machine: Machine) -> Iterator[Npm]:
    npm = Npm(machine)
    yield npm
    npm.stop()


def _pack_bazelisk(machine: Machine) -> None:
    """Makes npm hand out an archive, and pins that archive in the copied project."""
    archive = machine.folder / "files/bazelisk.tgz"
    script = "#!/bin/sh\n" + stand_ins.BAZEL % ("7.7.1", "bazelisk")
    with tarfile.open(archive, "w:gz") as tar:
        for system in ("linux", "darwin"):
            for processor in ("amd64", "arm64"):
                member = tarfile.TarInfo(f"package/bazelisk-{system}_{processor}")
                member.size = len(script)
                tar.addfile(member, io.BytesIO(script.encode()))
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    upstream = machine.project / "bazel/offline/upstream.py"
    pinned = re.compile(r"^_BAZELISK_SHA512 = \(.*?\)$", re.DOTALL | re.MULTILINE)
    text, count = pinned.subn(f'_BAZELISK_SHA512 = "{digest}"', upstream.read_text())
    assert count == 1
    upstream.write_text(text)
    machine.tool(
        "npm",
        'while [ "$1" != --pack-destination ]; do shift; done\n'
        'cp "$FAKE_FILES/bazelisk.tgz" "$2/bazel-bazelisk.tgz"',
    )


def test_where_bazel_can_be_downloaded(npm: Npm) -> None:
    result = npm.bazelw()
    assert_ran(result, "bazelisk")
    assert re.search(f"^/mirror/{VERSION}/bazel-{VERSION}-[a-z]+-", npm.requests[0])
    assert "--bazelrc" not in result.stdout
    assert npm.machine.calls("apt-get") == []


def test_another_archive_than_the_pinned_one(npm: Npm) -> None:
    with (npm.machine.folder / "files/bazelisk.tgz").open("ab") as archive:
        archive.write(b"\0")
    result = npm.bazelw()
    assert_ran(result, "debian")
    assert "is not the pinned one" in result.stderr


def test_where_bazel_cannot_be_downloaded(npm: Npm) -> None:
    npm.stop()
    assert_ran(npm.bazelw(), "debian")
    assert npm.machine.calls("npm") == []


def test_the_no_is_remembered(npm: Npm) -> None:
    npm.machine.tool("npm", "echo no network >&2; exit 1")
    assert_ran(npm.bazelw(), "debian")
    npm.bazelw()
    assert len(npm.machine.calls("npm")) == 1
