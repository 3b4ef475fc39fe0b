"""Random weights from a seed and the tensor's name, for every shape that names its tensors."""

from __future__ import annotations

import zlib
from typing import Protocol

import numpy as np


class Shape(Protocol):
    """A model's dimensions."""

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]: ...


def random_tensors(shape: Shape, seed: int) -> dict[str, np.ndarray]:
    """float32 weights that keep activations near 1, whatever the shape."""
    return {name: random_tensor(name, size, seed) for name, size in shape.tensor_shapes().items()}


def random_tensor(name: str, size: tuple[int, ...], seed: int) -> np.ndarray:
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    values = generator.standard_normal(size, dtype=np.float32)
    if len(size) == 1:
        return 1 + values / 10
    return values / np.float32(np.sqrt(size[-1]))
