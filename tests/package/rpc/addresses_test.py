"""Addresses that are none, and servers that are not there or are something else."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from raw_client import RawClient
from rpc_server import free_port

import llama_cpp

VERSION = (8, 0)  # RPC_PROTO_MAJOR_VERSION and RPC_PROTO_MINOR_VERSION of ggml-rpc.h


@pytest.mark.parametrize(
    "servers",
    ["localhost", "localhost:", ":50052", "localhost:0", "localhost:65536", "localhost:http"]
    + ["[::1]:50052", "a:1,", ["a:1", ""], "http://a:1", "a:1:2", "a: 1", "a:\u0661"],
)
def test_no_address(load, model_path: str, servers: str | list[str]) -> None:
    for ask in (
        lambda: load(model_path, rpc_servers=servers, n_gpu_layers=-1),
        lambda: llama_cpp.devices(servers),
    ):
        with pytest.raises(ValueError, match="rpc_servers has .* no address of a server\nGive a"):
            ask()


def test_an_address_twice(load, model_path: str) -> None:
    with pytest.raises(ValueError, match="rpc_servers has 'a:1' twice\nName each server once"):
        load(model_path, rpc_servers="a:1, a:1", n_gpu_layers=-1)


@pytest.mark.parametrize("servers", [7, {"a:1": 1}, [7]])
def test_another_type(load, model_path: str, servers: object) -> None:
    with pytest.raises(TypeError, match="rpc_servers"):
        load(model_path, rpc_servers=servers)


@pytest.mark.parametrize("servers", [None, "", []])
def test_no_servers(load, model_path: str, servers: object) -> None:
    assert load(model_path, rpc_servers=servers)("In the beginning", max_tokens=1)["choices"]


@pytest.fixture
def answering() -> Iterator:
    """Returns a function: what to answer to a greeting -> the address of somebody who does so."""
    with ExitStack() as stack:

        def listen(answer: bytes) -> str:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                client, _ = listener.accept()
                with client:
                    # A request's head of 9 bytes, and 24 of the greeting.
                    client.recv(33, socket.MSG_WAITALL)
                    client.sendall(answer)

            threading.Thread(target=run, daemon=True).start()
            return f"127.0.0.1:{listener.getsockname()[1]}"

        yield listen


def greeting(major: int, minor: int) -> bytes:
    return struct.pack("<Q4B24x", 28, major, minor, 0, 0)


def refused(load, model_path: str, address: str) -> str:
    """Returns the error of a model on a server that is none."""
    with pytest.raises(llama_cpp.RemoteServerError) as caught:
        load(model_path, rpc_servers=address, n_gpu_layers=-1)
    error = str(caught.value)
    assert error.startswith(f"RPC server {address}: ")
    assert isinstance(caught.value, llama_cpp.BackendError)
    return error


def test_nobody_listens(load, model_path: str) -> None:
    error = refused(load, model_path, f"127.0.0.1:{free_port()}")
    assert "cannot connect (Connection refused)\nLook whether `python -m llama_cpp rpc-s" in error


def test_no_such_name(load, model_path: str) -> None:
    # RFC 6761: nothing is below "invalid".
    error = refused(load, model_path, "server.invalid:50052")
    assert "the name 'server.invalid' has no address" in error


@pytest.mark.parametrize(
    "version", [(VERSION[0] + 1, 0), (VERSION[0] - 1, 0), (VERSION[0], VERSION[1] + 1)]
)
def test_another_version(load, model_path: str, answering, version: tuple[int, int]) -> None:
    error = refused(load, model_path, answering(greeting(*version)))
    assert f"it speaks version {version[0]}.{version[1]} of the protocol" in error
    assert f"and this client {VERSION[0]}.{VERSION[1]}\n" in error
    assert "\nInstall the same version of llama-cpp-python on both machines." in error


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "the connection was closed instead of a greeting"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is no RPC server"),
        (struct.pack("<Q4B", 28, *VERSION, 0, 0), "the connection was closed instead of"),
    ],
)
def test_another_program(load, model_path: str, answering, answer: bytes, words: str) -> None:
    assert words in refused(load, model_path, answering(answer))


def test_a_server_with_another_client(load, model_path: str, start) -> None:
    server = start()
    with RawClient(server.port):
        error = refused(load, model_path, server.address)
        assert "no answer for 10 seconds instead of a greeting" in error
        assert "serves no other client" in error
    assert load(model_path, rpc_servers=server.address, n_gpu_layers=-1).n_ctx() > 0
