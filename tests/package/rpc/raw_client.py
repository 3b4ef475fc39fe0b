"""A client that speaks llama.cpp's RPC protocol byte by byte, rightly or wrongly.

The structs are those of ggml/src/ggml-rpc/ggml-rpc.cpp, which are packed.
"""

from __future__ import annotations

import socket
import struct

HELLO, ALLOC_BUFFER, GET_BASE, SET_TENSOR, SET_TENSOR_HASH, GET_TENSOR = 14, 0, 3, 6, 7, 8
GRAPH_COMPUTE, GET_ALLOC_SIZE, COMM_INIT = 10, 13, 20
GGML_TYPE_I8 = 24  # ggml.h
# rpc_tensor: id, type, buffer, ne[4], nb[4], op, op_params[16], flags, src[10], view_src,
# view_offs, data, name, use_count
_TENSOR = struct.Struct("<QIQ4I4II16ii10QQQQ64si")
TENSOR_SIZE = _TENSOR.size


def tensor(
    size: int,
    *,
    type_: int = GGML_TYPE_I8,
    buffer: int = 0,
    data: int = 0,
    op: int = 0,
) -> bytes:
    """Returns a vector of `size` bytes as the protocol has it, under the id 1."""
    zeros = [0] * 16
    return _TENSOR.pack(
        *(1, type_, buffer, size, 1, 1, 1, 1, size, size, size, op, *zeros, 0, *zeros[:10]),
        *(0, 0, data, b"", 0),
    )


def graph(*tensors: bytes, nodes: tuple[int, ...] = (1,), n_nodes: int | None = None) -> bytes:
    """Returns the contents of GRAPH_COMPUTE for the first device."""
    count = len(nodes) if n_nodes is None else n_nodes
    ids = struct.pack(f"<{len(nodes)}Q", *nodes)
    return (
        struct.pack("<IQI", 0, 0, count) + ids + struct.pack("<I", len(tensors)) + b"".join(tensors)
    )


class RawClient:
    """A connection on loopback, which has greeted unless told otherwise."""

    def __init__(self, port: int, greet: bool = True) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        if greet:
            self.ask(HELLO, bytes(24))

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def tell(self, request: int, contents: bytes = b"", size: int | None = None) -> None:
        """Sends a request, with another size than that of its contents if told so."""
        length = len(contents) if size is None else size
        self.send(struct.pack("<BQ", request, length) + contents)

    def ask(self, request: int, contents: bytes = b"") -> bytes:
        """Sends a request; returns the contents of the answer."""
        self.tell(request, contents)
        (size,) = struct.unpack("<Q", self._read(8))
        return self._read(size)

    def is_closed(self) -> bool:
        """Waits until the server closes the connection; False if it says something instead."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def allocate(self, size: int) -> tuple[int, int]:
        """Returns the server's name of a new buffer, and its address there."""
        (buffer, _) = struct.unpack("<QQ", self.ask(ALLOC_BUFFER, struct.pack("<IQ", 0, size)))
        return buffer, *struct.unpack("<Q", self.ask(GET_BASE, struct.pack("<Q", buffer)))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            assert part, "the server closed the connection"
            data += part
        return data
