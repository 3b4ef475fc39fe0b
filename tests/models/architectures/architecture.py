"""One GGUF architecture, described by its metadata keys and its tensors' shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Protocol, Union

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType
from llama_gguf import FILE_TYPES, add_tensor, finish
from random_tensors import random_tensors

Shapes = dict[str, tuple[int, ...]]
Value = Union[bool, int, float, str, list[Any]]
Keys = Mapping[str, Value]

# Tensors that llama.cpp's own quantisation keeps in float32 (llama_tensor_get_type and its callers
# in src/llama-quant.cpp).
ALWAYS_F32 = ("ffn_gate_inp.weight", "ssm_conv1d.weight", "shortconv.conv.weight")


class Kind(Enum):
    """Which of llama_encode() and llama_decode() a model is for."""

    DECODER = "decoder"
    ENCODER = "encoder"
    ENCODER_DECODER = "encoder-decoder"


class Tokens(Protocol):
    """A vocabulary that writes its own keys (tokenizer.ggml...); ``name`` is that of its kind."""

    name: ClassVar[str]

    def write(self, writer: gguf.GGUFWriter) -> None: ...


@dataclass(frozen=True)
class Architecture:
    """A tiny model.

    ``keys`` are the metadata without the prefix ``<gguf_name>.``; ``tensors`` map a name to a NumPy
    shape, in which a matrix is (outputs, inputs). ``covers`` names the mechanisms that the others
    lack. ``gelu``: the model has GELU, which GGML's CPU backend takes from a table of float16
    (ggml_vec_gelu_f32() in ggml/src/ggml-cpu/vec.h), so its numbers are less exact.
    """

    name: str
    gguf_name: str
    covers: str
    keys: Keys
    tensors: Shapes
    vocabulary: Tokens
    kind: Kind = Kind.DECODER
    gelu: bool = False

    def tensor_shapes(self) -> Shapes:
        return self.tensors

    def weights(self, seed: int = 1) -> dict[str, np.ndarray]:
        """Returns random float32 weights that keep activations near 1 and make states decay."""
        weights = random_tensors(self, seed)
        for name, tensor in weights.items():
            if name.endswith(".bias"):
                tensor -= 1  # a vector is near 1
            elif name.endswith("ssm_a"):
                weights[name] = -np.abs(tensor)
        return weights

    def write(
        self,
        path: Path,
        weights: Mapping[str, np.ndarray],
        qtype: GGMLQuantizationType = GGMLQuantizationType.F32,
    ) -> None:
        """Writes a GGUF file whose matrices are of type ``qtype``."""
        writer = gguf.GGUFWriter(path, self.gguf_name)
        writer.add_name(path.stem)
        writer.add_file_type(FILE_TYPES[qtype])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        for key, value in self.keys.items():
            name = f"{self.gguf_name}.{key}"
            if isinstance(value, list):
                writer.add_array(name, value)
            else:
                writer.add_key_value(name, value, _value_type(value))
        self.vocabulary.write(writer)
        for name in self.tensors:
            keep = name.endswith(ALWAYS_F32)
            add_tensor(writer, name, weights[name], GGMLQuantizationType.F32 if keep else qtype)
        finish(writer)


def _value_type(value: bool | int | float | str) -> GGUFValueType:
    types = {
        bool: GGUFValueType.BOOL,
        int: GGUFValueType.UINT32,
        float: GGUFValueType.FLOAT32,
        str: GGUFValueType.STRING,
    }
    return types[type(value)]
