"""Builds against real servers: cache hits, and no server failure fails or spoils a build.

Runs Bazel on two copies of the project with output roots of their own, without a disk cache, and
reads the execution log and the server's. Asserts numbers of actions, never times.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nested_bazel
import pytest
from nested_bazel import Spawn, Workspace
from servers import GrpcServer, Packages, Server

pytest_plugins = ["nested_bazel_fixtures"]

_WHEEL = ["//tests/caches/remote:tiny_wheel"]
# Two actions each.
_UNITS = [f"//tests/caches/remote:unit_{number}" for number in range(6)]
_NO_DISK_CACHE = "--disk_cache="
_READ = "--config=remote_cache"
_WRITE = "--config=remote_cache_ci"
_LESS_THAN_AN_OBJECT = 500
_HIT = "remote cache hit"
# Methods of a request that changes a server's contents: of HTTP, and of the protocol's services.
_WRITING = ("PUT", "/Write ", "/BatchUpdateBlobs ", "/UpdateActionResult ")
# Scheme -> how many requests a server answers before it is killed: some results, and not all.
_REQUESTS_OF_HALF_A_BUILD = {"http": 15, "grpc": 10}
# For a server that never answers; .bazelrc has 10 s, and each build waits for several.
_SHORT_TIMEOUT = "--remote_timeout=2s"
# Directories of the units' outputs, below the execution root.
_OUTPUTS = "bazel-out/*/bin/tests/caches/remote"


def _count(spawns: list[Spawn]) -> str:
    runners = collections.Counter(spawn.runner for spawn in spawns)
    return ", ".join(f"{number} {runner}" for runner, number in sorted(runners.items()))


def _runners(spawns: list[Spawn]) -> set[str]:
    return {spawn.runner for spawn in spawns}


def _by_plain_paths(outputs: dict[str, str]) -> dict[str, str]:
    """Returns outputs without the part of a tool's path that is a checksum of the options, those of
    execution included."""
    return {re.sub(r"-exec-ST-[0-9a-f]+/", "-exec/", path): sha for path, sha in outputs.items()}


def _built(workspace: Workspace, spawns: list[Spawn], suffix: str) -> dict[str, str]:
    """Returns the SHA-256 of outputs as they lie in the workspace, by their paths."""
    (root,) = workspace.output_root.glob("*/execroot/_main")
    return {
        path: hashlib.sha256((root / path).read_bytes()).hexdigest()
        for path in nested_bazel.outputs(spawns)
        if path.endswith(suffix)
    }


class _When(threading.Thread):
    """Does something once a server has seen a number of requests."""

    def __init__(self, server: Server, requests: int, action: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._wanted = len(server.calls()) + requests
        self._server = server
        self._action = action
        self.start()

    def run(self) -> None:
        while len(self._server.calls()) < self._wanted:
            time.sleep(0.01)
        self._action()


def _http_server(folder: Path, settings: str = "") -> Server:
    """Returns nginx with WebDAV."""
    return Server(Packages.of(os.environ["NGINX"]), folder, settings)


def _grpc_server(folder: Path) -> Server:
    """Returns buildbox-casd."""
    nginx, buildbox = (Packages.of(os.environ[name]) for name in ("NGINX", "BUILDBOX"))
    return GrpcServer(nginx, buildbox, folder)


def _build(workspace: Workspace, *options: str, targets: list[str] = _UNITS) -> list[Spawn]:
    """Builds; prints a summary."""
    spawns = workspace.build(targets, *options)
    print(f"{' '.join(options)}: {_count(spawns)}")
    return spawns


def _build_again(workspace: Workspace, *options: str, targets: list[str] = _UNITS) -> list[Spawn]:
    """Builds what lies in _OUTPUTS from nothing. After `clean` Bazel would have to load and analyse
    again, which takes longer than the actions."""
    (root,) = workspace.output_root.glob("*/execroot/_main")
    for directory in root.glob(_OUTPUTS):
        shutil.rmtree(directory)
    return _build(workspace, *options, targets=targets)


@dataclasses.dataclass(frozen=True)
class _Builds:
    """Two workspaces with the same files.

    Attributes:
        first: The one that fills servers.
        second: The one whose builds are tested.
        reference: Actions of a build without a server.
    """

    first: Workspace
    second: Workspace
    reference: list[Spawn]

    def fill(self, server: Server) -> None:
        """Uploads the results of a build that finds nothing in the cache."""
        spawns = _build_again(self.first, _WRITE, f"--remote_cache={server.address}")
        assert {"linux-sandbox"} == _runners(spawns)

    def read(self, server: Server) -> list[Spawn]:
        """Builds as people do."""
        return _build_again(self.second, _READ, f"--remote_cache={server.address}")

    def write(self, server: Server) -> list[Spawn]:
        """Builds as CI does."""
        return _build_again(self.second, _WRITE, f"--remote_cache={server.address}")

    def assert_same(self, spawns: list[Spawn]) -> None:
        """Fails unless a build made the same outputs in the same places as one without a server."""
        assert nested_bazel.outputs(spawns) == nested_bazel.outputs(self.reference)
        expected = {p: d for p, d in nested_bazel.outputs(spawns).items() if p.endswith(".o")}
        assert _built(self.second, spawns, ".o") == expected


@pytest.fixture(scope="module")
def builds(nested_folder: Path) -> Iterator[_Builds]:
    """Yields the two workspaces; all tests use them, because an analysis takes longer than most
    tests."""
    environment = nested_bazel.inherited_environment()
    options = (
        *nested_bazel.common_options(environment),
        *nested_bazel.shared_repositories(),
        _NO_DISK_CACHE,
    )

    def make(name: str) -> Workspace:
        project = nested_folder / name / "project"
        nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], project)
        return Workspace(project, nested_folder / name / "output", environment, options)

    with make("first") as first, make("second") as second:
        with concurrent.futures.ThreadPoolExecutor() as threads:
            warm = threads.submit(second.build, _WHEEL, "--nobuild")
            reference = _build(first)
            warm.result()
        yield _Builds(first, second, reference)


@pytest.fixture(params=[_http_server, _grpc_server], ids=["http", "grpc"])
def make_server(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Server]:
    """Returns a function that makes a server of one kind, always in the same directory."""
    return lambda: request.param(tmp_path)


@pytest.fixture
def server(make_server: Callable[[], Server]) -> Iterator[Server]:
    """Yields a server that runs."""
    with make_server() as server:
        yield server


def test_another_output_root_takes_everything_from_a_filled_server(builds, server):
    builds.fill(server)
    # Bazel would take files that it need not download for present.
    builds.second.clean()
    options = (_READ, f"--remote_cache={server.address}", "--remote_download_outputs=toplevel")
    spawns = _build(builds.second, *options)
    assert _runners(spawns) == {_HIT}
    assert nested_bazel.outputs(spawns) == nested_bazel.outputs(builds.reference)


def test_a_server_killed_in_mid_build_costs_only_the_hits(builds, server):
    builds.fill(server)
    _When(server, _REQUESTS_OF_HALF_A_BUILD[server.scheme], server.kill)
    spawns = builds.read(server)
    assert _runners(spawns) == {_HIT, "linux-sandbox"}
    builds.assert_same(spawns)


def test_a_server_that_is_not_there_costs_nothing_else(builds, make_server):
    spawns = builds.write(make_server())
    assert _runners(spawns) == {"linux-sandbox"}
    builds.assert_same(spawns)


def test_servers_that_never_answer_are_given_up(builds, tmp_path):
    # At the same time, since each build waits for all of its timeouts.
    with _http_server(tmp_path / "http") as http, _grpc_server(tmp_path / "grpc") as grpc:
        with concurrent.futures.ThreadPoolExecutor() as threads:
            waiting = []
            for workspace, server in ((builds.first, http), (builds.second, grpc)):
                server.hang()
                options = (_READ, f"--remote_cache={server.address}", _SHORT_TIMEOUT)
                waiting.append(
                    threads.submit(_build_again, workspace, *options, targets=_UNITS[:1])
                )
        for build in waiting:
            assert _runners(build.result()) == {"linux-sandbox"}


def test_a_corrupted_blob_is_never_used(builds, server):
    objects = [s for s in builds.reference if s.mnemonic == "CppCompile"][:3]
    builds.fill(server)
    for digest in nested_bazel.outputs(objects).values():
        blob = server.blob(digest)
        blob.chmod(0o644)
        blob.write_bytes(bytes(byte ^ 1 for byte in blob.read_bytes()))
    spawns = builds.read(server)
    executed = {spawn.label for spawn in spawns if spawn.runner != _HIT}
    assert executed == {spawn.label for spawn in objects}
    builds.assert_same(spawns)


def test_a_full_disk_of_the_server_is_nobodys_failure(builds, make_server):
    with make_server() as server:
        server.fill_up(_LESS_THAN_AN_OBJECT)
        spawns = builds.write(server)
        assert _runners(spawns) == {"linux-sandbox"}
        builds.assert_same(spawns)
    # buildbox-casd keeps the written part of a blob, and results that name it.
    with make_server() as server:
        for path, digest in nested_bazel.outputs(builds.reference).items():
            if path.endswith(".o") and server.blob(digest).exists():
                size = server.blob(digest).stat().st_size
                assert size == _LESS_THAN_AN_OBJECT, "the disk was not full"
        spawns = builds.read(server)
        compiled = [s for s in spawns if s.mnemonic == "CppCompile"]
        assert _runners(compiled) == {"linux-sandbox"}
        builds.assert_same(spawns)


def _writing(server: Server) -> list[str]:
    """Returns the requests that change the server's contents."""
    return [call for call in server.calls() if any(method in call for method in _WRITING)]


def test_people_write_nothing(builds, server):
    spawns = builds.read(server)
    assert _runners(spawns) == {"linux-sandbox"}
    calls = server.calls()
    print(f"{len(calls)} requests of a reader in the server's log")
    assert len(calls) >= len(spawns)
    assert _writing(server) == []
    # The same check does see a writer's.
    builds.write(server)
    assert _writing(server) != []


def test_a_server_that_refuses_writers_is_obeyed(builds, tmp_path):
    with _http_server(tmp_path, "limit_except GET { deny all; }") as server:
        spawns = builds.write(server)
        builds.assert_same(spawns)
        refused = [call for call in server.calls() if call.startswith("PUT")]
        print(f"{len(refused)} uploads, all refused")
        assert {call.split()[-1] for call in refused} == {"403"}
        assert list(server.store.iterdir()) == []


def test_errors_of_the_server_are_no_errors_of_the_build(builds, tmp_path):
    with _http_server(tmp_path, "return 500;") as server:
        spawns = builds.write(server)
        assert {call.split()[-1] for call in server.calls()} == {"500"}
        builds.assert_same(spawns)


def test_everything_is_executed_there_and_is_the_same(builds, tmp_path):
    # Out of the user's disk cache, if it is there; the remote build has none.
    options = tuple(option for option in builds.first.options if option != _NO_DISK_CACHE)
    builds.first.clean()
    local = _build(dataclasses.replace(builds.first, options=options), targets=_WHEEL)
    with _grpc_server(tmp_path) as server:
        options = ("--config=remote_exec", f"--remote_executor={server.address}")
        builds.first.clean()
        spawns = _build(builds.first, *options, targets=_WHEEL)
        assert _runners(spawns) == {"remote"}
        kinds = {spawn.mnemonic for spawn in spawns}
        assert {"CheckWheel", "CppCompile", "CppLink", "PyAbiWheel", "ZigRuntime"} <= kinds
        expected = _by_plain_paths(nested_bazel.outputs(local))
        assert _by_plain_paths(nested_bazel.outputs(spawns)) == expected
        builds.second.clean()
        again = _build(builds.second, *options, targets=_WHEEL)
        assert _runners(again) == {_HIT}
        (wheel,) = _built(builds.second, again, ".whl").items()
        assert wheel in nested_bazel.outputs(local).items()
        print(f"{len(expected)} files, the same as local ones; {' '.join(wheel)}")
