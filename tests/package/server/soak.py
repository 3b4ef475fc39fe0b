"""Clients that come, read a while, and go away at random:

    python tests/package/server/soak.py --model model.gguf --seconds 1200

The server's memory is measured all the time; its slope is that of the second half.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from processes import SMALL, Process, ask, healthy
from serving import until

_PAGE = 4096


class Report(NamedTuple):
    """The clients' experience, and the server at the end.

    Attributes:
        requests: number of requests.
        errors: answers and failures that no client caused.
        memory: MiB of the server, once a second.
        busy: slots that are not free at the end.
        log: of the server.
    """

    requests: int
    errors: list[str]
    memory: list[float]
    busy: int
    log: str

    @property
    def slope(self) -> float:
        """Returns the growth of the memory in its second half, in MiB per minute."""
        half = self.memory[len(self.memory) // 2 :]
        mean_x, mean_y = (len(half) - 1) / 2, sum(half) / len(half)
        over = sum((x - mean_x) * (y - mean_y) for x, y in enumerate(half))
        return 60 * over / sum((x - mean_x) ** 2 for x in range(len(half)))


class _Client(threading.Thread):
    def __init__(self, port: int, seed: int, end: threading.Event) -> None:
        super().__init__()
        self._port = port
        self._chance = random.Random(seed)
        self._end = end
        self.requests = 0
        self.errors: list[str] = []

    def run(self) -> None:
        while not self._end.is_set():
            self.requests += 1
            try:
                self._request()
            except Exception as error:
                self.errors.append(repr(error))

    def _request(self) -> None:
        chance = self._chance
        stream, leaves = chance.random() < 0.7, chance.random() < 0.5
        body = {
            "messages": [{"role": "user", "content": "Say amen. " * chance.randrange(1, 20)}],
            "max_tokens": chance.randrange(1, 60),
            "stream": stream,
        }
        connection = http.client.HTTPConnection("localhost", self._port, timeout=300)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            if leaves and not stream:
                return
            response = connection.getresponse()
            text = response.read(chance.randrange(1, 500)) if leaves else response.read()
            if response.status != 200:
                self.errors.append(f"{response.status} {text[:200]!r}")
            elif not leaves and stream and not text.endswith(b"data: [DONE]\n\n"):
                self.errors.append(f"the stream ends with {text[-50:]!r}")
        finally:
            connection.close()


def soak(model: str, seconds: float, n_clients: int, directory: Path) -> Report:
    """Runs clients against a new server for a time."""
    command = ["llama_cpp.server", "--model", model, "--port", "0", *SMALL]
    process = Process([*command, "--n_parallel", "4"], directory, {})
    try:
        port = process.port()
        threading.Thread(target=process.read_log, daemon=True).start()
        until(lambda: healthy(port))
        end = threading.Event()
        clients = [_Client(port, seed, end) for seed in range(n_clients)]
        for client in clients:
            client.start()
        memory = []
        last = time.monotonic() + seconds
        while time.monotonic() < last:
            memory.append(_memory(process.pid))
            time.sleep(1)
        end.set()
        for client in clients:
            client.join()
        until(lambda: _busy(port) == 0)
        errors = [error for client in clients for error in client.errors]
        requests = sum(client.requests for client in clients)
        return Report(requests, errors, memory, _busy(port), process.log)
    finally:
        process.kill()


def _memory(pid: int) -> float:
    """Returns the resident memory of a process in MiB (proc(5), statm)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * _PAGE / (1 << 20)


def _busy(port: int) -> int:
    slots = json.load(ask(port, "GET", "/slots"))
    return sum(slot["is_processing"] for slot in slots)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--clients", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        report = soak(
            str(Path(arguments.model).resolve()),
            arguments.seconds,
            arguments.clients,
            Path(directory),
        )
    print(f"{report.requests} requests, {len(report.errors)} errors: {report.errors[:5]}")
    print(f"memory {report.memory[0]:.0f} to {report.memory[-1]:.0f} MiB", end=", ")
    print(f"slope of the second half {report.slope:.2f} MiB per minute; {report.busy} busy slots")


if __name__ == "__main__":
    main()
