"""Projector files ("mmproj"): encoders of images and audio with random numbers, as GGUF files.

An encoder is a dictionary of hyperparameters and one of tensor shapes, as ``clip_model_loader`` of
llama.cpp's tools/mtmd/clip.cpp reads them. ``vision_encoders.py`` and ``audio_encoders.py`` list
those of each projector family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from llama_gguf import add_tensor, finish
from random_tensors import random_tensor

Shapes = dict[str, tuple[int, ...]]
Value = Union[bool, int, float, str, Sequence[int], Sequence[float]]

# clip.cpp reads this number as a signed one, all others as unsigned (get_i32 and get_u32).
_SIGNED = "clip.minicpmv_version"
# ggml_conv_1d() multiplies with an image of float16, as the files of whisper's encoders have them.
_HALF = "a.conv1d."


@dataclass(frozen=True)
class Encoder:
    """Images or audio to embeddings.

    ``keys`` are without the modality's prefix, except for those that begin with ``clip.``;
    ``tensors`` maps a GGUF name to a NumPy shape, in which a matrix is (outputs, inputs).
    """

    projector: str
    keys: dict[str, Value]
    tensors: Shapes


@dataclass(frozen=True)
class Layers:
    """The layers of a vision or audio transformer, and the keys that describe them.

    ``prefix`` is ``v`` or ``a``. ``norm_bias`` is of the two norms of each layer, ``bias`` of
    the products. ``key_bias`` is that of the attention's keys, which whisper's encoder must not
    have. ``fused`` puts queries, keys and values into one product.
    """

    prefix: str = "v"
    n_layer: int = 2
    n_embd: int = 32
    n_head: int = 2
    n_ff: int = 64
    eps: float = 1e-6
    bias: bool = True
    key_bias: bool = True
    norm_bias: bool = True
    fused: bool = False
    gated: bool = False

    @property
    def head(self) -> int:
        return self.n_embd // self.n_head

    def keys(self, n_embd_text: int) -> dict[str, Value]:
        return {
            "embedding_length": self.n_embd,
            "feed_forward_length": self.n_ff,
            "block_count": self.n_layer,
            "projection_dim": n_embd_text,
            "attention.head_count": self.n_head,
            "attention.layer_norm_epsilon": self.eps,
        }

    def tensors(self) -> Shapes:
        shapes: Shapes = {}
        for layer in range(self.n_layer):
            block = f"{self.prefix}.blk.{layer}"
            shapes |= norm(f"{block}.ln1", self.n_embd, self.norm_bias)
            shapes |= self._attention(block)
            shapes |= norm(f"{block}.ln2", self.n_embd, self.norm_bias)
            shapes |= product(f"{block}.ffn_up", self.n_ff, self.n_embd, self.bias)
            if self.gated:
                shapes |= product(f"{block}.ffn_gate", self.n_ff, self.n_embd, self.bias)
            shapes |= product(f"{block}.ffn_down", self.n_embd, self.n_ff, self.bias)
        return shapes

    def _attention(self, block: str) -> Shapes:
        n = self.n_embd
        if self.fused:
            shapes = product(f"{block}.attn_qkv", 3 * n, n, self.bias)
        else:
            shapes = product(f"{block}.attn_q", n, n, self.bias)
            shapes |= product(f"{block}.attn_k", n, n, self.bias and self.key_bias)
            shapes |= product(f"{block}.attn_v", n, n, self.bias)
        return shapes | product(f"{block}.attn_out", n, n, self.bias)


def product(name: str, outputs: int, inputs: int, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (outputs, inputs)}
    return shapes | {f"{name}.bias": (outputs,)} if bias else shapes


def norm(name: str, width: int, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{name}.weight": (width,)}
    return shapes | {f"{name}.bias": (width,)} if bias else shapes


def write_projector(path: Path, vision: Encoder | None, audio: Encoder | None, seed: int) -> None:
    """Writes a projector file with the encoders that are not None.

    The same arguments give the same bytes; a tensor's numbers depend on its name and ``seed``.
    """
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name(path.stem)
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_clip_has_vision_encoder(vision is not None)
    writer.add_clip_has_audio_encoder(audio is not None)
    encoders = {"vision": vision, "audio": audio}
    present = {modality: encoder for modality, encoder in encoders.items() if encoder}
    for key, projector in _type_keys(present).items():
        writer.add_string(key, projector)
    tensors: Shapes = {}
    for modality, encoder in present.items():
        for key, value in encoder.keys.items():
            _add(writer, key if key.startswith("clip.") else f"clip.{modality}.{key}", value)
        tensors |= encoder.tensors
    for name, shape in tensors.items():
        qtype = GGMLQuantizationType.F16 if _is_half(name) else GGMLQuantizationType.F32
        add_tensor(writer, name, _random(name, shape, seed), qtype)
    finish(writer)


def _type_keys(encoders: Mapping[str, Encoder]) -> dict[str, str]:
    """Returns one key if there is one type, which may be of both modalities, else one for each."""
    types = {encoder.projector for encoder in encoders.values()}
    if len(types) == 1:
        return {"clip.projector_type": types.pop()}
    return {f"clip.{name}.projector_type": encoder.projector for name, encoder in encoders.items()}


def _add(writer: gguf.GGUFWriter, key: str, value: Value) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        (writer.add_int32 if key == _SIGNED else writer.add_uint32)(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


def _is_half(name: str) -> bool:
    return name.startswith(_HALF) and name.endswith(".weight")


def _random(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Returns numbers near 0 for a bias, and those of ``random_tensor()`` for everything else,
    where a convolution's inputs are all but the first dimension."""
    tensor = random_tensor(name, shape, seed)
    if name.endswith(".bias"):
        return tensor - 1 if len(shape) == 1 else tensor / 10
    return tensor / np.float32(np.sqrt(np.prod(shape[1:-1])))
