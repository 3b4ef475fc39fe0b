"""The small Llama models of this directory: their shape, their vocabulary and their GGUF file.

``random_models.py`` and ``train_small_llama.py`` both write through this module, so that one
place says which tensors and which metadata a Llama-architecture GGUF file has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import q4_k
from gguf import GGMLQuantizationType, LlamaFileType, TokenType

# llama.cpp's name for a file whose matrices are mostly of one type ("general.file_type").
FILE_TYPES: Mapping[GGMLQuantizationType, LlamaFileType] = {
    GGMLQuantizationType.F32: LlamaFileType.ALL_F32,
    GGMLQuantizationType.F16: LlamaFileType.MOSTLY_F16,
    GGMLQuantizationType.Q8_0: LlamaFileType.MOSTLY_Q8_0,
    GGMLQuantizationType.Q4_0: LlamaFileType.MOSTLY_Q4_0,
    GGMLQuantizationType.Q4_K: LlamaFileType.MOSTLY_Q4_K_S,
}


@dataclass(frozen=True)
class LlamaShape:
    """Dimensions of a Llama model (grouped-query attention, SwiGLU, RoPE on adjacent pairs).

    All fields count elements; ``n_ff`` is the width of the feed-forward layer and ``n_ctx`` the
    context length that the model states in its metadata.
    """

    n_vocab: int
    n_layer: int
    n_embd: int
    n_head: int
    n_head_kv: int
    n_ff: int
    n_ctx: int
    tied: bool = True
    rope_theta: float = 10000.0
    rms_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """GGUF tensor name -> NumPy shape; a matrix is (outputs, inputs)."""
        kv_width = self.n_head_kv * self.head_dim
        shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (self.n_vocab, self.n_embd)}
        for i in range(self.n_layer):
            block = f"blk.{i}"
            shapes[f"{block}.attn_norm.weight"] = (self.n_embd,)
            shapes[f"{block}.attn_q.weight"] = (self.n_embd, self.n_embd)
            shapes[f"{block}.attn_k.weight"] = (kv_width, self.n_embd)
            shapes[f"{block}.attn_v.weight"] = (kv_width, self.n_embd)
            shapes[f"{block}.attn_output.weight"] = (self.n_embd, self.n_embd)
            shapes[f"{block}.ffn_norm.weight"] = (self.n_embd,)
            shapes[f"{block}.ffn_gate.weight"] = (self.n_ff, self.n_embd)
            shapes[f"{block}.ffn_up.weight"] = (self.n_ff, self.n_embd)
            shapes[f"{block}.ffn_down.weight"] = (self.n_embd, self.n_ff)
        shapes["output_norm.weight"] = (self.n_embd,)
        if not self.tied:
            shapes["output.weight"] = (self.n_vocab, self.n_embd)
        return shapes


# The trained model, kjv-q8_0.gguf.
KJV = LlamaShape(n_vocab=1536, n_layer=4, n_embd=256, n_head=4, n_head_kv=2, n_ff=768, n_ctx=512)


@dataclass(frozen=True)
class Vocabulary:
    """A SentencePiece-style vocabulary as GGUF stores it; list index = token id."""

    name = "SPM"

    pieces: Sequence[bytes]
    scores: Sequence[float]
    types: Sequence[int]
    unk_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    # Recorded as <|im_end|> where chat turns exist: generation stops there as at EOS.
    eot_id: int | None = None
    chat_template: str | None = None

    def __len__(self) -> int:
        return len(self.pieces)

    def write(self, writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model("llama")
        writer.add_tokenizer_pre("default")
        writer.add_token_list(list(self.pieces))
        writer.add_token_scores(list(self.scores))
        writer.add_token_types(list(self.types))
        writer.add_unk_token_id(self.unk_id)
        writer.add_bos_token_id(self.bos_id)
        writer.add_eos_token_id(self.eos_id)
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(False)
        # Text comes back exactly as it went in: no space is put before it.
        writer.add_add_space_prefix(False)
        if self.eot_id is not None:
            writer.add_eot_token_id(self.eot_id)
        if self.chat_template is not None:
            writer.add_chat_template(self.chat_template)


def byte_vocabulary(n_vocab: int, marks: Sequence[str] = ()) -> Vocabulary:
    """<unk>, <s>, </s>, the 256 bytes, then made-up words up to ``n_vocab`` pieces.

    The last of them are the control tokens ``marks``.

    Every UTF-8 text has an encoding, and printable ASCII characters are pieces of their own.
    """
    specials = [b"<unk>", b"<s>", b"</s>"]
    pieces = list(specials)
    types = [int(TokenType.UNKNOWN), int(TokenType.CONTROL), int(TokenType.CONTROL)]
    pieces += [f"<0x{byte:02X}>".encode() for byte in range(256)]
    types += [int(TokenType.BYTE)] * 256
    printable = ["\u2581"] + [chr(c) for c in range(0x21, 0x7F)]
    words = printable + [f"\u2581w{i}" for i in range(n_vocab)]
    room = n_vocab - len(pieces)
    if room < len(printable):
        raise ValueError(f"n_vocab={n_vocab} is too small: at least {n_vocab - room + 95} needed")
    pieces += [word.encode() for word in words[:room]]
    types += [int(TokenType.NORMAL)] * room
    if marks:
        pieces[-len(marks) :] = [mark.encode() for mark in marks]
        types[-len(marks) :] = [int(TokenType.CONTROL)] * len(marks)
    scores = [0.0] * (n_vocab - room) + [-float(rank) for rank in range(room)]
    return Vocabulary(pieces, scores, types)


def write_llama(
    path: Path,
    name: str,
    shape: LlamaShape,
    tensors: Mapping[str, np.ndarray],
    qtype: GGMLQuantizationType,
    vocabulary: Vocabulary,
    pooling: gguf.PoolingType | None = None,
    licence: str | None = None,
    description: str | None = None,
) -> None:
    """Writes float32 ``tensors`` as one GGUF file whose matrices are of type ``qtype``.

    Vectors (the norms) stay float32, as in llama.cpp's own quantisation. Raises ValueError when
    the tensors are not those of ``shape``, or the vocabulary has another size.
    """
    expected = shape.tensor_shapes()
    actual = {key: tensor.shape for key, tensor in tensors.items()}
    if actual != expected:
        wrong = sorted(
            k for k in expected.keys() | actual.keys() if expected.get(k) != actual.get(k)
        )
        raise ValueError(f"tensors that do not fit {shape}: {', '.join(wrong)}")
    if len(vocabulary) != shape.n_vocab:
        raise ValueError(f"the vocabulary has {len(vocabulary)} pieces, the model {shape.n_vocab}")

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    if licence:
        writer.add_license(licence)
    if description:
        writer.add_description(description)
    writer.add_file_type(FILE_TYPES[qtype])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(shape.n_vocab)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.rms_eps)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    vocabulary.write(writer)
    for key in expected:
        add_tensor(writer, key, tensors[key], qtype)
    finish(writer)


def add_tensor(
    writer: gguf.GGUFWriter, name: str, tensor: np.ndarray, qtype: GGMLQuantizationType
) -> None:
    """Adds one float32 tensor, quantised to ``qtype`` unless it is a vector."""
    tensor = np.ascontiguousarray(tensor, dtype=np.float32)
    if tensor.ndim < 2 or qtype == GGMLQuantizationType.F32:
        writer.add_tensor(name, tensor)
    elif qtype == GGMLQuantizationType.F16:
        writer.add_tensor(name, tensor.astype(np.float16))
    elif qtype == GGMLQuantizationType.Q4_K:
        writer.add_tensor(name, q4_k.quantize(tensor), raw_dtype=qtype)
    else:
        writer.add_tensor(name, gguf.quants.quantize(tensor, qtype), raw_dtype=qtype)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
