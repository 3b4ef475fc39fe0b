"""A server of llama.cpp's RPC protocol as a process: `python -m llama_cpp rpc-server`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_START_S = 60  # a slow machine; waiting ends as soon as the server listens


def free_port() -> int:
    """Returns a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RpcServer:
    """Runs while its context lasts.

    Attributes:
        options: of its command line, for the next start().
        port: that it listens on.
        address: "127.0.0.1:port".
        process: of the server.
        log: file with its standard output and standard error. With GGML_RPC_DEBUG=1 and --verbose
            it has a line for each request.
    """

    def __init__(self, directory: Path, options: Sequence[str], env: dict[str, str]) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = directory / f"rpc-server-{self.port}.log"
        self.options = options
        self._env = env

    def __enter__(self) -> RpcServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Starts it (again), and waits until it listens."""
        command = [sys.executable, "-m", "llama_cpp", "rpc-server", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--threads", "1", *self.options],
                cwd=self.log.parent,
                env={**os.environ, **self._env},
                stderr=log,
                stdout=log,
            )
        deadline = time.monotonic() + _START_S
        while not self._listens():
            assert self.process.poll() is None and time.monotonic() < deadline, self.text()
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it without any warning to its client."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Has it answer nothing, though it lives."""
        self.process.send_signal(signal.SIGSTOP)

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True
