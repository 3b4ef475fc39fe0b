"""Parts of the references in NumPy of models whose weights, keys and values are float32.

Sums are float64. ``Model`` reads a GGUF file. An independent source is named for each formula; the
references know nothing of llama.cpp's graphs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from reference_llama import Array, softmax

Mask = Any  # booleans (queries, keys); True where a query sees a key


class Model:
    """Metadata and weights of one file; ValueError if it is of another architecture."""

    def __init__(self, path: str | Path, *architectures: str) -> None:
        reader = gguf.GGUFReader(path)
        self.architecture: str = reader.get_field("general.architecture").contents()
        if self.architecture not in architectures:
            raise ValueError(f"{path} is of architecture {self.architecture}")
        self._fields = {key: field.contents() for key, field in reader.fields.items()}
        self.tensors = {
            tensor.name: np.array(tensor.data, dtype=np.float64) for tensor in reader.tensors
        }
        self.n_layer = int(self.key("block_count"))
        self.eps = float(
            self.key(
                "attention.layer_norm_rms_epsilon", self.key("attention.layer_norm_epsilon", 0)
            )
        )

    def key(self, name: str, default: Any = None) -> Any:
        """Returns the value of ``<architecture>.name``."""
        return self._fields.get(f"{self.architecture}.{name}", default)

    def weight(self, name: str) -> Array:
        return self.tensors[f"{name}.weight"]

    def product(self, x: Array, name: str) -> Array:
        """Rows of ``x`` times a matrix (outputs, inputs), plus its bias if there is one."""
        return x @ self.weight(name).T + self.tensors.get(f"{name}.bias", 0.0)

    def heads(self, x: Array, name: str, count: int) -> Array:
        """Returns the product as (heads, tokens, head width)."""
        return self.product(x, name).reshape(len(x), count, -1).transpose(1, 0, 2)

    def rms_norm(self, x: Array, name: str) -> Array:
        """Zhang and Sennrich 2019, equation 4."""
        return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + self.eps) * self.weight(name)

    def layer_norm(self, x: Array, name: str) -> Array:
        """Ba et al. 2016, equation 4."""
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(axis=-1, keepdims=True) + self.eps)
        return scaled * self.weight(name) + self.tensors[f"{name}.bias"]


def causal(n_tokens: int, window: int | None = None) -> Mask:
    """A token sees itself and those before it; with a window the last ``window`` of them."""
    distance = np.arange(n_tokens)[:, None] - np.arange(n_tokens)
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def attend(
    q: Array, k: Array, v: Array, mask: Mask, scale: float, cap: float | None = None
) -> Array:
    """Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1) of (heads, tokens, width).

    Query heads share key/value heads in groups (Ainslie et al. 2023). ``cap`` limits scores by tanh
    (Gemma Team 2024, Gemma 2, section 2). Returns (tokens, heads * width).
    """
    group = len(q) // len(k)
    k, v = (np.repeat(heads, group, axis=0) for heads in (k, v))
    scores = q @ k.transpose(0, 2, 1) * scale
    if cap is not None:
        scores = cap * np.tanh(scores / cap)
    mixed = softmax(np.where(mask, scores, -np.inf)) @ v
    return mixed.transpose(1, 0, 2).reshape(mixed.shape[1], -1)


def rotate_halves(heads: Array, base: float) -> Array:
    """Rotary embedding (Su et al. 2021) at positions 0, 1, 2, ..., in the form of GPT-NeoX: element
    i of a head and element i + width / 2 form a pair."""
    width = heads.shape[-1]
    angles = np.arange(heads.shape[1])[:, None] * base ** (-np.arange(0, width, 2) / width)
    first, second = heads[..., : width // 2], heads[..., width // 2 :]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))
