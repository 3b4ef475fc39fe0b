"""Decoders whose every layer attends to all earlier tokens and has one feed-forward network."""

from __future__ import annotations

import gguf
from llama_gguf import byte_vocabulary

from .architecture import Architecture
from .blocks import (
    LAYER_NORM,
    Sizes,
    attention,
    fused_attention,
    fused_gated,
    gated,
    head,
    head_norms,
    layers,
    linear,
    norm,
    norms,
    plain,
    pre_norms,
    rope_keys,
)
from .vocabularies import N_VOCAB, SPM, Bpe

S = Sizes()
PRE_NORMS = pre_norms(S)
LN_PRE_NORMS = pre_norms(S, bias=True)
ROPE = rope_keys(S)
LN_ROPE = rope_keys(S, LAYER_NORM)

LLAMA = Architecture(
    "llama",
    "llama",
    "grouped queries, RoPE of adjacent pairs",
    ROPE,
    head(S) | layers(S.n_layer, PRE_NORMS | attention(S) | gated(S.n_embd, S.n_ff)),
    SPM,
)

QWEN2 = Architecture(
    "qwen2",
    "qwen2",
    "biases on queries, keys and values",
    ROPE,
    head(S, tied=True)
    | layers(S.n_layer, PRE_NORMS | attention(S, qkv_bias=True) | gated(S.n_embd, S.n_ff)),
    Bpe("qwen2"),
)


def qwen3_tensors(s: Sizes) -> dict[str, tuple[int, ...]]:
    block = pre_norms(s) | attention(s) | head_norms(s) | gated(s.n_embd, s.n_ff)
    return head(s) | layers(s.n_layer, block)


QWEN3 = Architecture(
    "qwen3",
    "qwen3",
    "norms of each head's query and key",
    ROPE,
    qwen3_tensors(S),
    Bpe("qwen2"),
)

PHI3 = Architecture(
    "phi3",
    "phi3",
    "queries, keys and values in one matrix; gate and up in one",
    ROPE,
    head(S) | layers(S.n_layer, PRE_NORMS | fused_attention(S) | fused_gated(S.n_embd, S.n_ff)),
    # llama.cpp looks the token up if the model's name has "phi3" in it (src/llama-vocab.cpp).
    byte_vocabulary(N_VOCAB, ["<|endoftext|>"]),
)

OLMO2 = Architecture(
    "olmo2",
    "olmo2",
    "norms behind attention and feed-forward alone; norms of all heads' queries together",
    ROPE,
    head(S)
    | layers(
        S.n_layer,
        {
            **attention(S),
            **norm("attn_q_norm", S.queries),
            **norm("attn_k_norm", S.key_values),
            **norms(["post_attention_norm", "post_ffw_norm"], S.n_embd),
            **gated(S.n_embd, S.n_ff),
        },
    ),
    Bpe("dbrx"),
)

GLM4 = Architecture(
    "glm4",
    "glm4",
    "four norms a layer; RoPE of half of a head",
    {**ROPE, "rope.dimension_count": S.head // 2},
    head(S)
    | layers(
        S.n_layer,
        {
            **norms(["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"], S.n_embd),
            **attention(S, qkv_bias=True),
            **fused_gated(S.n_embd, S.n_ff),
        },
    ),
    Bpe("glm4"),
)

ONE_EACH = Sizes(n_head_kv=S.n_head)  # a key and value head for each of the queries
GPT_BLOCK = LN_PRE_NORMS | fused_attention(ONE_EACH, bias=True) | plain(S.n_embd, S.n_ff, bias=True)

GPT2 = Architecture(
    "gpt2",
    "gpt2",
    "learnt positions; LayerNorm; every matrix has a bias",
    {**S.keys(), "attention.head_count": S.n_head, **LAYER_NORM},
    {
        **head(S, tied=True, bias=True),
        **linear("position_embd", S.n_ctx, S.n_embd),
        **layers(S.n_layer, GPT_BLOCK),
    },
    Bpe("gpt-2"),
    gelu=True,
)

FALCON = Architecture(
    "falcon",
    "falcon",
    "attention and feed-forward side by side, each with its norm; one key/value head",
    {**LN_ROPE, "attention.head_count_kv": 1},
    head(S, bias=True)
    | layers(
        S.n_layer,
        {
            **norms(["attn_norm", "attn_norm_2"], S.n_embd, bias=True),
            **fused_attention(Sizes(n_head_kv=1)),
            **plain(S.n_embd, S.n_ff),
        },
    ),
    Bpe("falcon"),
    gelu=True,
)

BLOOM = Architecture(
    "bloom",
    "bloom",
    "ALiBi; a norm behind the embedding",
    {**S.keys(), "attention.head_count": S.n_head, **LAYER_NORM},
    {
        **head(S, tied=True, bias=True),
        **norm("token_embd_norm", S.n_embd, bias=True),
        **layers(S.n_layer, GPT_BLOCK),
    },
    Bpe("bloom"),
    gelu=True,
)

MPT = Architecture(
    "mpt",
    "mpt",
    "ALiBi with a slope of its own; clamped queries, keys and values; norms without bias",
    {
        **S.keys(),
        "attention.head_count": S.n_head,
        "attention.max_alibi_bias": 4.0,
        "attention.clamp_kqv": 0.75,
        **LAYER_NORM,
    },
    head(S, tied=True)
    | layers(
        S.n_layer,
        PRE_NORMS | fused_attention(ONE_EACH) | plain(S.n_embd, S.n_ff),
    ),
    Bpe("mpt"),
    gelu=True,
)

STARCODER2 = Architecture(
    "starcoder2",
    "starcoder2",
    "RoPE with LayerNorm and biases",
    LN_ROPE,
    head(S, tied=True, bias=True)
    | layers(
        S.n_layer,
        LN_PRE_NORMS
        | attention(S, qkv_bias=True, out_bias=True)
        | plain(S.n_embd, S.n_ff, bias=True),
    ),
    Bpe("starcoder"),
    gelu=True,
)

COMMAND_R = Architecture(
    "command-r",
    "command-r",
    "attention and feed-forward side by side after one norm; scaled logits",
    {**LN_ROPE, "logit_scale": 0.25},
    head(S, tied=True)
    | layers(S.n_layer, norm("attn_norm", S.n_embd) | attention(S) | gated(S.n_embd, S.n_ff)),
    Bpe("command-r", add_bos=True),
)

# Rows of 32 columns and more, for the quantised types.
WIDE = Sizes(head=32)
QWEN3_RERANKER = Architecture(
    "reranker",
    "qwen3",
    "a classification head of two classes",
    {
        **rope_keys(WIDE),
        "pooling_type": int(gguf.PoolingType.RANK),
        "classifier.output_labels": ["yes", "no"],
    },
    qwen3_tensors(WIDE) | linear("cls.output", 2, WIDE.n_embd),
    SPM,
)

DECODERS = (
    *(LLAMA, QWEN2, QWEN3, PHI3, OLMO2, GLM4),
    *(GPT2, FALCON, BLOOM, MPT, STARCODER2, COMMAND_R),
)
