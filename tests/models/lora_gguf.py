"""LoRA adapters with random numbers, as GGUF files that llama.cpp applies to a Llama model."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from llama_gguf import LlamaShape, finish

# Every kind of product that llama.cpp adds an adapter to, but for the embedding, whose A and B lie
# the other way round.
TARGETS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True)
class LoraShape:
    """An adapter of a model: B A of rank `rank`, scaled by alpha / rank when it is applied."""

    model: LlamaShape
    rank: int = 4
    alpha: float = 8.0

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """GGUF tensor name -> NumPy shape; a matrix is (outputs, inputs)."""
        shapes = {}
        for name, (outputs, inputs) in self._matrices().items():
            shapes[f"{name}.lora_a"] = (self.rank, inputs)
            shapes[f"{name}.lora_b"] = (outputs, self.rank)
        return shapes

    def _matrices(self) -> dict[str, tuple[int, ...]]:
        shapes = self.model.tensor_shapes()
        return {name: shape for name, shape in shapes.items() if name.split(".")[-2] in TARGETS}


def write_lora(path: Path, shape: LoraShape, seed: int, architecture: str = "llama") -> None:
    """Writes an adapter of random numbers, which changes every product by about a tenth."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", shape.alpha)
    for name, size in shape.tensor_shapes().items():
        generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
        tensor = generator.standard_normal(size, dtype=np.float32)
        tensor *= np.float32(0.1 if name.endswith("lora_b") else size[-1] ** -0.5)
        writer.add_tensor(name, tensor)
    finish(writer)
