"""The devices that the loaded backends have."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Union

from .native import _core
from .remote import checked_servers, load_rpc
from .report import report

__all__ = ["Device", "devices"]


class Device(NamedTuple):
    """Something that computes.

    Attributes:
        name: As `devices` of the model parameters takes it, such as ``CUDA0``, or ``RPC0`` for the
            first device of a server.
        description: Such as the GPU's model; the server's address.
        backend: ``cpu``, ``cuda``, ``metal``, ``rocm``, ``rpc``, ``vulkan``...
        type: ``cpu``, ``gpu`` (memory of its own), ``igpu`` (the host's memory), ``accel``.
        memory_free: Bytes.
        memory_total: Bytes.
    """

    name: str
    description: str
    backend: str
    type: str
    memory_free: int
    memory_total: int


def devices(rpc_servers: Optional[Union[str, Sequence[str]]] = None) -> List[Device]:
    """Returns the devices of all loaded backends, with the memory that is free at this moment.

    Args:
        rpc_servers: addresses ("host:port") of RPC servers, whose devices come first.

    Raises:
        ValueError: an address is none.
        RemoteServerError: a server cannot be reached.
    """
    servers = checked_servers("rpc_servers", rpc_servers) if rpc_servers else []
    if servers:
        load_rpc()
    names = {entry["registry"]: entry["backend"] for entry in report.backends}
    return [
        Device(**{**device, "backend": names.get(device["backend"], device["backend"].lower())})
        for device in _core.devices(servers)
    ]
