"""The devices that the loaded backends have."""

from __future__ import annotations

from typing import List, NamedTuple

from .native import _core
from .report import report

__all__ = ["Device", "devices"]


class Device(NamedTuple):
    """Something that computes.

    Attributes:
        name: As `devices` of the model parameters takes it, such as ``CUDA0``.
        description: Such as the GPU's model.
        backend: ``cpu``, ``cuda``, ``metal``, ``rocm``, ``vulkan``...
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


def devices() -> List[Device]:
    """Returns the devices of all loaded backends, with the memory that is free at this moment."""
    names = {entry["registry"]: entry["backend"] for entry in report.backends}
    return [
        Device(**{**device, "backend": names.get(device["backend"], device["backend"].lower())})
        for device in _core.devices()
    ]
