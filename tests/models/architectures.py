"""Random models of other architectures than Llama, whose products have other shapes.

* deepseek2: multi-head latent attention, which multiplies 3-D weights with permuted input, and
  experts.
* qwen3next: gated delta nets between layers of attention, and experts. Several sequences make
  products with a plane for each.
* qwen3 with a classification head: a reranking model. The score is the share of the first class.

By default sizes are tiny: many matrices have 32 columns, one block of Q4_0 or Q8_0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType
from llama_gguf import FILE_TYPES, add_tensor, byte_vocabulary, finish

Shapes = dict[str, tuple[int, ...]]

N_VOCAB = 512
N_EXPERT = 4


@dataclass(frozen=True)
class DeepSeek2:
    """GGUF architecture ``deepseek2``; the default sizes are tiny, V2's own are larger."""

    n_layer: int = 3
    n_embd: int = 64
    n_head: int = 4
    q_lora_rank: int = 32
    kv_lora_rank: int = 32
    nope: int = 32  # of the head's key, without and with positions
    rope: int = 32
    value: int = 32
    n_ff: int = 128
    n_ff_expert: int = 32

    architecture = "deepseek2"

    def tensor_shapes(self) -> Shapes:
        shapes = _embedding(self.n_embd)
        for i in range(self.n_layer):
            block = f"blk.{i}"
            head = self.nope + self.rope
            shapes |= {
                f"{block}.attn_norm.weight": (self.n_embd,),
                f"{block}.attn_q_a.weight": (self.q_lora_rank, self.n_embd),
                f"{block}.attn_q_a_norm.weight": (self.q_lora_rank,),
                f"{block}.attn_q_b.weight": (self.n_head * head, self.q_lora_rank),
                f"{block}.attn_kv_a_mqa.weight": (self.kv_lora_rank + self.rope, self.n_embd),
                f"{block}.attn_kv_a_norm.weight": (self.kv_lora_rank,),
                f"{block}.attn_k_b.weight": (self.n_head, self.kv_lora_rank, self.nope),
                f"{block}.attn_v_b.weight": (self.n_head, self.value, self.kv_lora_rank),
                f"{block}.attn_output.weight": (self.n_embd, self.n_head * self.value),
                f"{block}.ffn_norm.weight": (self.n_embd,),
            }
            if i == 0:
                shapes |= _feed_forward(block, "", self.n_embd, self.n_ff)
            else:
                shapes |= _experts(block, self.n_embd, self.n_ff_expert)
        return shapes

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_head_count(self.n_head)
        writer.add_head_count_kv(1)
        writer.add_q_lora_rank(self.q_lora_rank)
        writer.add_kv_lora_rank(self.kv_lora_rank)
        writer.add_key_length(self.kv_lora_rank + self.rope)
        writer.add_value_length(self.kv_lora_rank)
        writer.add_key_length_mla(self.nope + self.rope)
        writer.add_value_length_mla(self.value)
        writer.add_rope_dimension_count(self.rope)
        writer.add_leading_dense_block_count(1)
        writer.add_feed_forward_length(self.n_ff)
        writer.add_expert_feed_forward_length(self.n_ff_expert)
        writer.add_expert_shared_count(1)
        writer.add_expert_weights_scale(1.0)


@dataclass(frozen=True)
class Qwen3Next:
    """GGUF architecture ``qwen3next``: a gated delta net and attention, in turn."""

    n_layer: int = 4
    n_embd: int = 64
    n_head: int = 4
    n_head_kv: int = 2
    head: int = 32
    state: int = 32
    key_heads: int = 2
    value_heads: int = 4
    n_ff_expert: int = 32

    architecture = "qwen3next"

    def is_recurrent(self, layer: int) -> bool:
        return layer % 2 == 0

    def tensor_shapes(self) -> Shapes:
        shapes = _embedding(self.n_embd)
        for i in range(self.n_layer):
            block = f"blk.{i}"
            shapes[f"{block}.attn_norm.weight"] = (self.n_embd,)
            shapes[f"{block}.post_attention_norm.weight"] = (self.n_embd,)
            shapes |= (
                self._delta_net(block) if self.is_recurrent(i) else _attention(block, self, gates=1)
            )
            shapes |= _experts(block, self.n_embd, self.n_ff_expert)
            shapes[f"{block}.ffn_gate_inp_shexp.weight"] = (self.n_embd,)
        return shapes

    def _delta_net(self, block: str) -> Shapes:
        values = self.value_heads * self.state
        qkv = 2 * self.key_heads * self.state + values
        return {
            f"{block}.ssm_a": (self.value_heads,),
            f"{block}.ssm_conv1d.weight": (qkv, 4),
            f"{block}.ssm_dt.bias": (self.value_heads,),
            f"{block}.ssm_ba.weight": (2 * self.value_heads, self.n_embd),
            f"{block}.attn_qkv.weight": (qkv, self.n_embd),
            f"{block}.attn_gate.weight": (values, self.n_embd),
            f"{block}.ssm_norm.weight": (self.state,),
            f"{block}.ssm_out.weight": (self.n_embd, values),
        }

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_head_count(self.n_head)
        writer.add_head_count_kv(self.n_head_kv)
        writer.add_key_length(self.head)
        writer.add_value_length(self.head)
        writer.add_rope_dimension_count(self.head // 4)
        writer.add_expert_feed_forward_length(self.n_ff_expert)
        writer.add_expert_shared_feed_forward_length(self.n_ff_expert)
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_state_size(self.state)
        writer.add_ssm_group_count(self.key_heads)
        writer.add_ssm_time_step_rank(self.value_heads)
        writer.add_ssm_inner_size(self.value_heads * self.state)
        writer.add_array(
            "qwen3next.attention.recurrent_layers",
            [self.is_recurrent(i) for i in range(self.n_layer)],
        )


@dataclass(frozen=True)
class Qwen3Reranker:
    """GGUF architecture ``qwen3`` with two classes, of which llama.cpp takes the softmax."""

    n_layer: int = 2
    n_embd: int = 64
    n_head: int = 4
    n_head_kv: int = 2
    head: int = 32
    n_ff: int = 128

    architecture = "qwen3"

    def tensor_shapes(self) -> Shapes:
        shapes = _embedding(self.n_embd) | {"cls.output.weight": (2, self.n_embd)}
        for i in range(self.n_layer):
            block = f"blk.{i}"
            shapes |= {
                f"{block}.attn_norm.weight": (self.n_embd,),
                **_attention(block, self),
                f"{block}.ffn_norm.weight": (self.n_embd,),
                **_feed_forward(block, "", self.n_embd, self.n_ff),
            }
        return shapes

    def write_parameters(self, writer: gguf.GGUFWriter) -> None:
        writer.add_head_count(self.n_head)
        writer.add_head_count_kv(self.n_head_kv)
        writer.add_key_length(self.head)
        writer.add_value_length(self.head)
        writer.add_feed_forward_length(self.n_ff)
        writer.add_pooling_type(gguf.PoolingType.RANK)
        writer.add_classifier_output_labels(["yes", "no"])


def _embedding(n_embd: int) -> Shapes:
    return {
        "token_embd.weight": (N_VOCAB, n_embd),
        "output.weight": (N_VOCAB, n_embd),
        "output_norm.weight": (n_embd,),
    }


def _attention(block: str, model: Qwen3Next | Qwen3Reranker, gates: int = 0) -> Shapes:
    """Returns the shapes of Qwen3's attention; a gate has as many rows as the queries."""
    heads, heads_kv = model.n_head * model.head, model.n_head_kv * model.head
    return {
        f"{block}.attn_q.weight": ((1 + gates) * heads, model.n_embd),
        f"{block}.attn_k.weight": (heads_kv, model.n_embd),
        f"{block}.attn_v.weight": (heads_kv, model.n_embd),
        f"{block}.attn_q_norm.weight": (model.head,),
        f"{block}.attn_k_norm.weight": (model.head,),
        f"{block}.attn_output.weight": (model.n_embd, heads),
    }


def _feed_forward(block: str, suffix: str, n_embd: int, n_ff: int) -> Shapes:
    return {
        f"{block}.ffn_gate{suffix}.weight": (n_ff, n_embd),
        f"{block}.ffn_up{suffix}.weight": (n_ff, n_embd),
        f"{block}.ffn_down{suffix}.weight": (n_embd, n_ff),
    }


def _experts(block: str, n_embd: int, n_ff: int) -> Shapes:
    one = _feed_forward(block, "_exps", n_embd, n_ff)
    return {
        f"{block}.ffn_gate_inp.weight": (N_EXPERT, n_embd),
        **{name: (N_EXPERT, *shape) for name, shape in one.items()},
        **_feed_forward(block, "_shexp", n_embd, n_ff),
    }


def write_model(
    path: Path,
    model: DeepSeek2 | Qwen3Next | Qwen3Reranker,
    tensors: Mapping[str, np.ndarray],
    qtype: GGMLQuantizationType,
) -> None:
    """Writes float32 ``tensors`` as one GGUF file whose matrices are of type ``qtype``.

    Tensors that llama.cpp's own quantisation keeps in float32 stay so.
    """
    writer = gguf.GGUFWriter(path, model.architecture)
    writer.add_name(path.stem)
    writer.add_file_type(FILE_TYPES[qtype])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(N_VOCAB)
    writer.add_context_length(512)
    writer.add_embedding_length(model.n_embd)
    writer.add_block_count(model.n_layer)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_expert_count(N_EXPERT)
    writer.add_expert_used_count(2)
    model.write_parameters(writer)
    byte_vocabulary(N_VOCAB).write(writer)
    for name in model.tensor_shapes():
        keep = name.endswith(("ffn_gate_inp.weight", "ssm_conv1d.weight"))
        add_tensor(writer, name, tensors[name], GGMLQuantizationType.F32 if keep else qtype)
    finish(writer)
