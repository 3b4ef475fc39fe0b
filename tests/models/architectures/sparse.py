"""Decoders whose indexer chooses the tokens, or groups of tokens, that a query attends to.

Each has a memory of its own in llama.cpp. All tokens are chosen, since a choice between two with
almost the same score would depend on the last bits of a sum.
"""

from __future__ import annotations

from .architecture import Architecture, Keys, Shapes
from .blocks import (
    LAYER_NORM,
    RMS_NORM,
    Sizes,
    attention,
    head,
    head_norms,
    layers,
    linear,
    norm,
    norms,
    pre_norms,
)
from .experts import (
    DENSE_FIRST,
    KV_RANK,
    NOPE,
    Q_RANK,
    ROPE,
    VALUE,
    dense_first,
    experts,
    latent_attention,
    latent_keys,
)
from .hybrid import KDA_HEAD, kimi_delta
from .recurrent import KERNEL
from .vocabularies import Bpe

S = Sizes()
PRE_NORMS = pre_norms(S)
# The indexer turns its keys by a Hadamard matrix of 64 rows and more (llama_kv_cache).
INDEX_HEADS, INDEX_HEAD = 4, 64
INDEXER: Keys = {
    "attention.indexer.head_count": INDEX_HEADS,
    "attention.indexer.key_length": INDEX_HEAD,
    "attention.indexer.top_k": S.n_ctx,
}
SIGMOID: Keys = {"expert_gating_func": 2}
LATENT = {
    **S.keys(),
    **S.expert_keys(),
    **RMS_NORM,
    **latent_keys(S),
    **DENSE_FIRST,
    **SIGMOID,
    **INDEXER,
}


def indexer() -> Shapes:
    return {
        **norm("indexer.k_norm", INDEX_HEAD, bias=True),
        **linear("indexer.proj", INDEX_HEADS, S.n_embd),
        **linear("indexer.attn_k", INDEX_HEAD, S.n_embd),
        **linear("indexer.attn_q_b", INDEX_HEADS * INDEX_HEAD, Q_RANK),
    }


DEEPSEEK32 = Architecture(
    "deepseek32",
    "deepseek32",
    "an indexer for tokens beside latent attention",
    LATENT,
    head(S)
    | layers(
        S.n_layer,
        lambda layer: (
            PRE_NORMS | latent_attention(S) | indexer() | dense_first(S, layer, probs_bias=True)
        ),
    ),
    Bpe("deepseek-v3"),
)

DOTS3NOTE = Architecture(
    "dots3note",
    "dots3note",
    "an indexer in one layer, a window in the other, latent attention with a gate in both",
    {
        **LATENT,
        "attention.sliding_window": 8,
        "attention.sliding_window_pattern": [False, True],
        "attention.indexer.types": [1, 0],
        "attention.kv_lora_rank_swa": KV_RANK,
        "attention.key_length_swa": KV_RANK + ROPE,
        "attention.value_length_swa": KV_RANK,
        "attention.key_length_mla_swa": NOPE + ROPE,
        "attention.value_length_mla_swa": VALUE,
        "rope.freq_base_swa": 1000.0,
    },
    head(S)
    | layers(
        S.n_layer,
        lambda layer: (
            PRE_NORMS
            | latent_attention(S)
            | norm("attn_k_norm", ROPE)
            | linear("attn_gate", S.n_head, S.n_embd)
            | (indexer() if layer == 0 else {})
            | dense_first(S, layer, probs_bias=True)
        ),
    ),
    Bpe("qwen2"),
)


def minimax_block(layer: int) -> Shapes:
    shapes = PRE_NORMS | attention(S) | head_norms(S) | dense_first(S, layer, probs_bias=True)
    if layer:
        shapes |= linear("indexer.q_proj", S.n_head_kv * INDEX_HEAD, S.n_embd)
        shapes |= linear("indexer.k_proj", INDEX_HEAD, S.n_embd)
        shapes |= norms(["indexer.q_norm", "indexer.k_norm"], INDEX_HEAD)
    return shapes


MINIMAX_M3 = Architecture(
    "minimax-m3",
    "minimax-m3",
    "an indexer for blocks of tokens",
    {
        **S.keys(),
        **S.attention_keys(),
        **S.rope_keys(),
        **S.expert_keys(),
        **RMS_NORM,
        **DENSE_FIRST,
        **SIGMOID,
        **INDEXER,
        "attention.indexer.head_count": S.n_head_kv,
        "attention.indexer.block_size": 4,
        "attention.indexer.local_blocks": 1,
    },
    head(S) | layers(S.n_layer, minimax_block),
    Bpe("minimax-m2"),
)

# DeepSeek-V4: four streams of hidden states; layers with a window and, in two of them, keys and
# values of 4 or 128 tokens put together.
STREAMS = 4
MIXES = (2 + STREAMS) * STREAMS
GROUPS, OUT_RANK = 2, 32
RATIOS = [0, 4, 128]
HYPER_CONNECTION: Keys = {
    "hyper_connection.count": STREAMS,
    "hyper_connection.sinkhorn_iterations": 2,
    "hyper_connection.epsilon": 1e-6,
}


def streams(part: str) -> Shapes:
    """Returns the mixing of the streams before and behind attention or feed-forward."""
    return {
        f"hc_{part}_fn.weight": (MIXES, STREAMS * S.n_embd),
        f"hc_{part}_base.weight": (MIXES,),
        f"hc_{part}_scale.weight": (3,),
    }


def compressor(prefix: str, width: int, ratio: int) -> Shapes:
    rows = 2 * width if ratio == 4 else width  # groups of 4 overlap
    return {
        **linear(f"{prefix}_compressor_kv", rows, S.n_embd),
        **linear(f"{prefix}_compressor_gate", rows, S.n_embd),
        f"{prefix}_compressor_ape.weight": (ratio, rows),
        **norm(f"{prefix}_compressor_norm", width),
    }


def deepseek4(name: str, s: Sizes) -> Architecture:
    """Returns a model whose heads have the width ``s.head``."""

    def block(layer: int) -> Shapes:
        ratio = RATIOS[layer]
        shapes = {
            **PRE_NORMS,
            **norm("attn_sinks", s.n_head),
            **linear("attn_q_a", Q_RANK, s.n_embd),
            **norm("attn_q_a_norm", Q_RANK),
            **linear("attn_q_b", s.queries, Q_RANK),
            **linear("attn_kv", s.head, s.n_embd),
            **norm("attn_kv_a_norm", s.head),
            "attn_output_a.weight": (GROUPS, OUT_RANK, s.queries // GROUPS),
            **linear("attn_output_b", s.n_embd, GROUPS * OUT_RANK),
            **streams("attn"),
            **streams("ffn"),
            **experts(s, shared=True),
            "exp_probs_b.bias": (s.n_expert,),
        }
        if ratio:
            shapes |= compressor("attn", s.head, ratio)
        if ratio == 4:
            shapes |= linear("indexer.proj", INDEX_HEADS, s.n_embd)
            shapes |= linear("indexer.attn_q_b", INDEX_HEADS * INDEX_HEAD, Q_RANK)
            shapes |= compressor("indexer", INDEX_HEAD, ratio)
        return shapes

    return Architecture(
        name,
        "deepseek4",
        "keys and values of several tokens put together beside a window; streams of hidden states",
        {
            **s.keys(),
            **s.expert_keys(),
            **RMS_NORM,
            **INDEXER,
            **HYPER_CONNECTION,
            "attention.head_count": s.n_head,
            "attention.head_count_kv": 1,
            "attention.key_length": s.head,
            "attention.value_length": s.head,
            "attention.q_lora_rank": Q_RANK,
            "attention.sliding_window": 8,
            "attention.output_group_count": GROUPS,
            "attention.output_lora_rank": OUT_RANK,
            "attention.compress_ratios": RATIOS,
            "attention.compress_rope_freq_base": 160000.0,
            "rope.dimension_count": s.head // 2,
            "rope.freq_base": 10000.0,
            "hash_layer_count": 0,
            "swiglu_clamp_exp": 10.0,
            "expert_shared_count": 1,
            "expert_weights_scale": 1.0,
            "expert_weights_norm": True,
            "expert_gating_func": 4,  # square root of softplus
        },
        {
            **head(s),
            "output_hc_fn.weight": (STREAMS, STREAMS * s.n_embd),
            "output_hc_base.weight": (STREAMS,),
            "output_hc_scale.weight": (1,),
            **layers(s.n_layer, block),
        },
        Bpe("deepseek-v3"),
    )


DEEPSEEK4 = deepseek4("deepseek4", Sizes(n_layer=3, head=32))

POOL = 4  # tokens whose indexer keys are put together


def glm5_block(layer: int) -> Shapes:
    latent = {
        **latent_attention(S, rope=0),
        **indexer(),
        **linear("indexer_compressor_gate", INDEX_HEAD, S.n_embd),
        "indexer_compressor_ape.weight": (POOL, INDEX_HEAD),
    }
    return {
        **PRE_NORMS,
        **streams("attn"),
        **streams("ffn"),
        **(latent if layer % 2 else kimi_delta(S) | {"ssm_a": (S.n_head,)}),
        **dense_first(S, layer, probs_bias=True),
    }


GLM5_NEXT = Architecture(
    "glm5-next",
    "glm5-next",
    "Kimi Delta Attention, and an indexer for groups of tokens, in turn",
    {
        **LATENT,
        **LAYER_NORM,
        "attention.head_count_kv": [0, 1],
        "attention.key_length": KV_RANK,
        "attention.key_length_mla": NOPE,
        "rope.dimension_count": 0,
        "attention.indexer.kpool": POOL,
        "attention.indexer.kpool_select_tail": True,
        "ssm.conv_kernel": KERNEL,
        "kda.head_dim": KDA_HEAD,
        **HYPER_CONNECTION,
    },
    head(S) | layers(S.n_layer, glm5_block),
    Bpe("glm4"),
)

DECODERS = (DEEPSEEK32, DOTS3NOTE, MINIMAX_M3, DEEPSEEK4, GLM5_NEXT)
