"""The command `rpc-server`: its options, its end, its cache, and clients that mean it harm."""

from __future__ import annotations

import os
import signal
import socket
import struct
from pathlib import Path

import pytest
from raw_client import (
    COMM_INIT,
    GET_ALLOC_SIZE,
    GET_TENSOR,
    GGML_TYPE_I8,
    GRAPH_COMPUTE,
    SET_TENSOR,
    SET_TENSOR_HASH,
    TENSOR_SIZE,
    RawClient,
    graph,
    tensor,
)
from rpc_server import RpcServer, free_port

import llama_cpp

MAIN = "from llama_cpp.__main__ import main; raise SystemExit(main())"


def serves(server: RpcServer) -> bool:
    """Whether it answers a client as it should, in the process that was started."""
    (device, *_) = llama_cpp.devices(server.address)
    return device.description == server.address and server.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(start, number: signal.Signals) -> None:
    server = start()
    with RawClient(server.port):  # also while a client is there
        server.process.send_signal(number)
        assert server.process.wait(30) == -number


def test_it_listens_on_loopback(start) -> None:
    server = start()
    assert "warning" not in server.text()
    # Loopback has more addresses than that one.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port))


def test_another_address_is_warned_of(start) -> None:
    server = start("--host", "0.0.0.0")
    text = server.text()
    assert f"warning: everybody who reaches 0.0.0.0:{server.port} can use this server" in text
    assert "no authentication and no encryption" in text and "run code of its" in text
    assert serves(server)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--port", "0"], "--port 0 is no port\nTake one of 1 to 65535."),
        (["--port", "65536"], "--port 65536 is no port"),
        (["--host", "localhost"], "--host localhost is no IPv4 address\nTake 127.0.0.1"),
        (["--host", "::1"], "--host ::1 is no IPv4 address"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:"),
        (["--device", "CUDA7"], "this machine has no device 'CUDA7'\nTake one of CPU"),
        (["--threads", "0"], "--threads 0 is no number of threads\nTake one of 1 to 512."),
        (["--threads", "513"], "--threads 513 is no number of threads"),
    ],
)
def test_wrong_options(run_python, options: list[str], error: str) -> None:
    done = run_python(MAIN, "rpc-server", "--port", str(free_port()), *options)
    assert done.returncode == 1
    assert error in done.stderr and "Traceback" not in done.stderr


def test_the_port_is_in_use(run_python, start) -> None:
    port = start().port
    done = run_python(MAIN, "rpc-server", "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "\nTake another --port, or end the program that listens there." in done.stderr


def test_info_lists_its_devices(run_python, start) -> None:
    server = start()
    done = run_python(MAIN, "info", "--rpc-servers", server.address)
    assert done.returncode == 0, done.stderr
    assert f"RPC0       gpu   {server.address}, " in done.stdout


# ---- clients that mean it harm: each ends its own connection, and no more

_BEFORE_A_GREETING = {
    "http": b"GET / HTTP/1.1\r\nHost: server\r\n\r\n",
    "no greeting": struct.pack("<BQ", 15, 0),
    "long greeting": struct.pack("<BQ", 14, 1 << 62) + bytes(24),
}
_AFTER_A_GREETING = {
    "unknown request": (200, b"", None),
    "another greeting": (14, bytes(24), None),
    "more than memory has": (SET_TENSOR, b"", (1 << 64) - 1),
    "more than a vector takes": (GRAPH_COMPUTE, b"", 1 << 63),
    "short tensor": (SET_TENSOR, bytes(8), None),
    "tensor without a buffer": (SET_TENSOR, tensor(8) + bytes(17), None),
    "tensor of no buffer": (GET_TENSOR, tensor(8, buffer=1 << 40) + bytes(16), None),
    "unknown type": (
        GET_ALLOC_SIZE,
        bytes(4) + tensor(8, type_=999) + bytes(10 * TENSOR_SIZE),
        None,
    ),
    "removed type": (GET_ALLOC_SIZE, bytes(4) + tensor(8, type_=4) + bytes(10 * TENSOR_SIZE), None),
    "empty graph": (GRAPH_COMPUTE, b"", None),
    "short graph": (GRAPH_COMPUTE, graph(n_nodes=(1 << 32) - 1), None),
    "graph of nothing": (GRAPH_COMPUTE, graph(nodes=(0,)), None),
    "unknown operation": (GRAPH_COMPUTE, graph(tensor(8, op=9999)), None),
    "data of nothing": (GRAPH_COMPUTE, graph(tensor(8, data=1 << 40)), None),
    "unknown node": (GRAPH_COMPUTE, graph(tensor(8), nodes=(7,)), None),
}


@pytest.mark.parametrize("data", _BEFORE_A_GREETING.values(), ids=_BEFORE_A_GREETING)
def test_no_greeting(start, data: bytes) -> None:
    server = start()
    with RawClient(server.port, greet=False) as client:
        client.send(data)
        assert client.is_closed()
    assert serves(server)


@pytest.mark.parametrize("message", _AFTER_A_GREETING.values(), ids=_AFTER_A_GREETING)
def test_wrong_messages(start, message: tuple[int, bytes, int | None]) -> None:
    server = start()
    with RawClient(server.port) as client:
        request, contents, size = message
        client.tell(request, contents, size)
        assert client.is_closed()
    assert serves(server)


def test_a_failed_check_of_ggml(start) -> None:
    server = start()
    with RawClient(server.port) as client:
        buffer, address = client.allocate(64)
        # More than the tensor has, and less than its buffer: an assertion of ggml-backend.cpp.
        there = tensor(8, buffer=buffer, data=address)
        client.tell(SET_TENSOR, there + struct.pack("<BQ", 0, 0) + bytes(32))
        assert client.is_closed()
    assert "A request failed, which ends its connection" in server.text()
    assert serves(server)


def test_a_client_that_never_greets(start) -> None:
    server = start()
    with RawClient(server.port, greet=False) as client:
        assert client.is_closed()  # after 10 seconds
        assert serves(server)


def test_the_link_between_servers_stays_on_the_servers_address(start) -> None:
    server = start()
    port = free_port()
    with RawClient(server.port) as client:
        host = b"".ljust(64, b"\0")
        # device, rank, number of ranks, port, host (rpc_msg_comm_init_req)
        client.tell(COMM_INIT, struct.pack("<4I64s", 0, 0, 2, port, host))
        peer = until_connected(port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port))
        peer.close()
    assert serves(server)


def until_connected(port: int) -> socket.socket:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            continue


# ---- the cache


def fnv_1a(data: bytes) -> int:
    """Returns the 64-bit FNV-1a hash (draft-eastlake-fnv)."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def has_cached(client: RawClient, data: bytes) -> bool:
    """Asks whether the server has data with this hash; then it writes it to the tensor."""
    buffer, address = client.allocate(len(data))
    there = tensor(len(data), buffer=buffer, data=address)
    answer = client.ask(SET_TENSOR_HASH, there + struct.pack("<QQ", 0, fnv_1a(data)))
    if answer == b"\1":
        request = there + struct.pack("<QQ", 0, len(data))
        assert client.ask(GET_TENSOR, request) == data
    return answer == b"\1"


@pytest.mark.parametrize("options", [["--cache"], ["--cache", "here"]])
def test_a_tensor_comes_out_of_the_cache(start, tmp_path: Path, options: list[str]) -> None:
    data = os.urandom(1000)
    server = start(*options, XDG_CACHE_HOME=str(tmp_path / "user"))
    directory = tmp_path / (options[1] if len(options) > 1 else "user/llama_cpp/rpc")
    with RawClient(server.port) as client:
        assert not has_cached(client, data)
        buffer, address = client.allocate(len(data))
        there = tensor(len(data), buffer=buffer, data=address)
        # Whether to keep it, offset, data (serialize_set_tensor)
        client.tell(SET_TENSOR, there + struct.pack("<BQ", 1, 0) + data)
        assert has_cached(client, data)
        (file,) = directory.iterdir()
        assert file.name == f"{fnv_1a(data):016x}"
        # As a server leaves it that is ended while it writes.
        file.write_bytes(data[:500])
        assert not has_cached(client, data)


def test_without_a_cache_nothing_is_kept(start, tmp_path: Path) -> None:
    server = start(XDG_CACHE_HOME=str(tmp_path / "user"))
    with RawClient(server.port) as client:
        buffer, address = client.allocate(8)
        there = tensor(8, buffer=buffer, data=address, type_=GGML_TYPE_I8)
        client.tell(SET_TENSOR, there + struct.pack("<BQ", 1, 0) + bytes(8))
        assert not has_cached(client, bytes(8))
    assert not (tmp_path / "user/llama_cpp/rpc").exists()
