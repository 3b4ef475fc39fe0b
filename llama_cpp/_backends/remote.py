"""Devices of other machines: servers of llama.cpp's RPC protocol. Nothing is loaded before use."""

from __future__ import annotations

from typing import List, Sequence, Union

from .libraries import rpc_library
from .native import _core
from .report import require_cpu

_EXAMPLE = "192.0.2.7:50052"


def checked_servers(name: str, servers: Union[str, Sequence[str]]) -> List[str]:
    """Returns addresses as a list. ValueError unless each is "host:port", and there once.

    Args:
        name: of the argument, for errors.
        servers: addresses; a text has commas between them.
    """
    found = servers.split(",") if isinstance(servers, str) else list(servers)
    found = [server.strip() for server in found]
    for server in found:
        host, _, port = server.partition(":")
        if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            raise ValueError(
                f"{name} has {server!r}, which is no address of a server\n"
                f"Give a name or an IPv4 address, a colon and a port: {_EXAMPLE}"
            )
        if found.count(server) > 1:
            raise ValueError(f"{name} has {server!r} twice\nName each server once.")
    return found


def warn_unless_used(servers: Sequence[str], n_gpu_layers: object, stacklevel: int) -> None:
    """Warns of servers that hold no layer.

    Args:
        servers: addresses.
        n_gpu_layers: as for Llama().
        stacklevel: of the code to blame, for the caller of this function.
    """
    if servers and n_gpu_layers == 0:
        import warnings

        warnings.warn(
            f"rpc_servers={','.join(servers)}, but n_gpu_layers=0: no layer is there."
            " Pass n_gpu_layers=-1 for all of them",
            stacklevel=stacklevel + 1,
        )


def load_rpc() -> None:
    """Opens the RPC backend. BackendError if there is none, or no CPU to run on."""
    require_cpu()
    path = rpc_library()
    if not path:
        from .._errors import BackendError

        raise BackendError(
            "this installation has no RPC backend (libggml-rpc.so)\n"
            "Install llama-cpp-python again: pip install --force-reinstall llama-cpp-python"
        )
    _core.load_rpc_backend(path)
