"""Builds against real servers: cache hits, and no server failure fails or spoils a build.

Runs Bazel on two copies of the project with output roots of their own, without a disk cache, and
reads the execution log and the server's. Asserts numbers of actions, never times.
"""

from __future__ import annotations

import collections
import hashlib
import os
import re
import shutil
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path

import nested_bazel
from nested_bazel import Spawn, Workspace
from servers import GrpcServer, Packages, Server

_WHEEL = ["//tests/caches/remote:tiny_wheel"]
# Two actions each.
_UNITS = [f"//tests/caches/remote:unit_{number}" for number in range(12)]
_READ = "--config=remote_cache"
_WRITE = "--config=remote_cache_ci"
_LESS_THAN_AN_OBJECT = 500
_HIT = "remote cache hit"
# Methods of a request that changes a server's contents: of HTTP, and of the protocol's services.
_WRITING = ("PUT", "/Write ", "/BatchUpdateBlobs ", "/UpdateActionResult ")

_first: Workspace
_second: Workspace
_folder: Path


def setUpModule() -> None:
    """Makes the two workspaces; all tests use them, because unpacking the compiler takes longer
    than most tests."""
    global _first, _second, _folder
    # Always the same directory: bazelw remembers something about each one.
    _folder = Path(os.environ["TEST_TMPDIR"]) / "nested"
    unittest.addModuleCleanup(shutil.rmtree, _folder)
    environment = nested_bazel.inherited_environment()
    options = (*nested_bazel.common_options(environment), "--disk_cache=")
    workspaces = []
    for name in ("first", "second"):
        project = _folder / name / "project"
        nested_bazel.unpack_project(os.environ["PROJECT_ARCHIVE"], project)
        workspaces.append(Workspace(project, _folder / name / "output", environment, options))
        unittest.addModuleCleanup(workspaces[-1].remove)
    _first, _second = workspaces


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


class _Cases:
    """Tests for a server of either kind."""

    # How many requests the server answers before it is killed: some results, and not all.
    requests_of_half_a_build = 0

    @classmethod
    def setUpClass(cls) -> None:
        cls.reference = cls.build(_first, "--remote_cache=")

    @classmethod
    def build(cls, workspace: Workspace, *options: str, targets: list[str] = _UNITS) -> list[Spawn]:
        """Builds from nothing; prints a summary."""
        workspace.clean()
        spawns = workspace.build(targets, *options)
        print(f"{cls.__name__}: {' '.join(options)}: {_count(spawns)}")
        return spawns

    def server(self, settings: str = "") -> Server:
        raise NotImplementedError

    def fill(self, server: Server) -> None:
        spawns = self.build(_first, _WRITE, f"--remote_cache={server.address}")
        self.assertNotIn(_HIT, _runners(spawns))

    def assert_same(self, spawns: list[Spawn]) -> None:
        """Fails unless a build made the same outputs in the same places as one without a server."""
        self.assertEqual(nested_bazel.outputs(self.reference), nested_bazel.outputs(spawns))
        expected = {p: d for p, d in nested_bazel.outputs(spawns).items() if p.endswith(".o")}
        self.assertEqual(expected, _built(_second, spawns, ".o"))

    def test_another_output_root_takes_everything_from_a_filled_server(self) -> None:
        with self.server() as server:
            self.fill(server)
            spawns = self.build(
                _second,
                _READ,
                f"--remote_cache={server.address}",
                "--remote_download_outputs=toplevel",
            )
            self.assertEqual({_HIT}, _runners(spawns))
            self.assertEqual(nested_bazel.outputs(self.reference), nested_bazel.outputs(spawns))

    def test_a_server_killed_in_mid_build_costs_only_the_hits(self) -> None:
        with self.server() as server:
            self.fill(server)
            _When(server, self.requests_of_half_a_build, server.kill)
            spawns = self.build(_second, _READ, f"--remote_cache={server.address}")
            self.assertEqual({_HIT, "linux-sandbox"}, _runners(spawns))
            self.assert_same(spawns)

    def test_a_server_that_is_not_there_costs_nothing_else(self) -> None:
        server = self.server()
        spawns = self.build(_second, _WRITE, f"--remote_cache={server.address}")
        self.assertEqual({"linux-sandbox"}, _runners(spawns))
        self.assert_same(spawns)

    def test_a_server_that_never_answers_is_given_up(self) -> None:
        with self.server() as server:
            server.hang()
            target = _UNITS[:1]
            spawns = self.build(_second, _READ, f"--remote_cache={server.address}", targets=target)
            self.assertEqual({"linux-sandbox"}, _runners(spawns))

    def test_a_corrupted_blob_is_never_used(self) -> None:
        objects = [s for s in self.reference if s.mnemonic == "CppCompile"][:3]
        with self.server() as server:
            self.fill(server)
            for digest in nested_bazel.outputs(objects).values():
                blob = server.blob(digest)
                blob.chmod(0o644)
                blob.write_bytes(bytes(byte ^ 1 for byte in blob.read_bytes()))
            spawns = self.build(_second, _READ, f"--remote_cache={server.address}")
            executed = {spawn.label for spawn in spawns if spawn.runner != _HIT}
            self.assertEqual({spawn.label for spawn in objects}, executed)
            self.assert_same(spawns)

    def test_a_full_disk_of_the_server_is_nobodys_failure(self) -> None:
        with self.server() as server:
            server.fill_up(_LESS_THAN_AN_OBJECT)
            spawns = self.build(_second, _WRITE, f"--remote_cache={server.address}")
            self.assertEqual({"linux-sandbox"}, _runners(spawns))
            self.assert_same(spawns)
        # buildbox-casd keeps the written part of a blob, and results that name it.
        with self.server() as server:
            for path, digest in nested_bazel.outputs(self.reference).items():
                if path.endswith(".o") and server.blob(digest).exists():
                    size = server.blob(digest).stat().st_size
                    self.assertEqual(_LESS_THAN_AN_OBJECT, size, "the disk was not full")
            spawns = self.build(_second, _READ, f"--remote_cache={server.address}")
            compiled = [s for s in spawns if s.mnemonic == "CppCompile"]
            self.assertEqual({"linux-sandbox"}, _runners(compiled))
            self.assert_same(spawns)

    def test_people_write_nothing(self) -> None:
        with self.server() as server:
            spawns = self.build(_second, _READ, f"--remote_cache={server.address}")
            self.assertEqual({"linux-sandbox"}, _runners(spawns))
            calls = server.calls()
            print(f"{type(self).__name__}: {len(calls)} requests of a reader in the server's log")
            self.assertGreaterEqual(len(calls), len(spawns))
            self.assertEqual([], [call for call in calls if _writes(call)])
            # The same check does see a writer's.
            self.build(_second, _WRITE, f"--remote_cache={server.address}")
            self.assertNotEqual([], [call for call in server.calls() if _writes(call)])


def _writes(call: str) -> bool:
    return any(method in call for method in _WRITING)


class HttpTest(_Cases, unittest.TestCase):
    """nginx with WebDAV."""

    requests_of_half_a_build = 30

    def server(self, settings: str = "") -> Server:
        return Server(Packages.of(os.environ["NGINX"]), _folder / self.id(), settings)

    def test_a_server_that_refuses_writers_is_obeyed(self) -> None:
        with self.server("limit_except GET { deny all; }") as server:
            spawns = self.build(_second, _WRITE, f"--remote_cache={server.address}")
            self.assert_same(spawns)
            refused = [call for call in server.calls() if call.startswith("PUT")]
            print(f"HttpTest: {len(refused)} uploads, all refused")
            self.assertEqual({"403"}, {call.split()[-1] for call in refused})
            self.assertEqual([], list(server.store.iterdir()))

    def test_errors_of_the_server_are_no_errors_of_the_build(self) -> None:
        with self.server("return 500;") as server:
            spawns = self.build(_second, _WRITE, f"--remote_cache={server.address}")
            self.assertEqual({"500"}, {call.split()[-1] for call in server.calls()})
            self.assert_same(spawns)


class GrpcTest(_Cases, unittest.TestCase):
    """buildbox-casd."""

    requests_of_half_a_build = 20

    def server(self, settings: str = "") -> Server:
        return GrpcServer(
            Packages.of(os.environ["NGINX"]),
            Packages.of(os.environ["BUILDBOX"]),
            _folder / self.id(),
            settings,
        )

    def test_everything_is_executed_there_and_is_the_same(self) -> None:
        local = self.build(_first, "--remote_cache=", targets=_WHEEL)
        with self.server() as server:
            options = ("--config=remote_exec", f"--remote_executor={server.address}")
            spawns = self.build(_first, *options, targets=_WHEEL)
            self.assertEqual({"remote"}, _runners(spawns))
            kinds = {spawn.mnemonic for spawn in spawns}
            self.assertLessEqual(
                {"CheckWheel", "CppCompile", "CppLink", "PyAbiWheel", "ZigRuntime"}, kinds
            )
            expected = _by_plain_paths(nested_bazel.outputs(local))
            self.assertEqual(expected, _by_plain_paths(nested_bazel.outputs(spawns)))
            again = self.build(_second, *options, targets=_WHEEL)
            self.assertEqual({_HIT}, _runners(again))
            (wheel,) = _built(_second, again, ".whl").items()
            self.assertIn(wheel, nested_bazel.outputs(local).items())
            print(f"GrpcTest: {len(expected)} files, the same as local ones; {' '.join(wheel)}")


if __name__ == "__main__":
    unittest.main()
