"""Servers in processes of their own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Optional

# As in serving.MODEL.
SMALL = ("--n_ctx", "512", "--n_threads", "1", "--use_mlock", "false", "--verbose", "false")


class Process:
    """A server in a process of its own."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, Optional[str]]) -> None:
        environment = {**os.environ, **env}
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=cwd,
            env={name: value for name, value in environment.items() if value is not None},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.log = ""

    def port(self) -> int:
        """Waits until it listens. Uvicorn's log has the port."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log += line
            found = re.search(r"running on https?://\S+:(\d+)", line)
            if found:
                return int(found[1])
        raise AssertionError(f"the server ended: {self.log}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def read_log(self) -> None:
        """Reads the log to its end, so that the server can go on writing it."""
        assert self._process.stderr is not None and self._process.stdout is not None
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        for line in self._process.stderr:
            self.log += line

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Waits for its end; returns the exit status."""
        self.log += self._process.communicate(timeout=120)[1]
        return self._process.returncode

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def ask(port: int, method: str, path: str, body: Any = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("localhost", port, timeout=120)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    return connection.getresponse()


def healthy(port: int) -> bool:
    return ask(port, "GET", "/health").status == 200
