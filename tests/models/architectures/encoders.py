"""Encoders, whose tokens attend to later ones too, and an encoder with a decoder."""

from __future__ import annotations

import gguf

from .architecture import Architecture, Kind, Shapes
from .blocks import (
    LAYER_NORM,
    RMS_NORM,
    Sizes,
    attention,
    fused_attention,
    fused_gated,
    gated,
    layers,
    linear,
    merged,
    norm,
    norms,
    plain,
    rope_keys,
)
from .sliding import gemma3_tensors
from .vocabularies import SPM, Bpe, Ugm, Wpm

S = Sizes(n_head_kv=4)
WINDOW = 8
BERT_KEYS = {
    **S.keys(),
    "attention.head_count": S.n_head,
    "attention.causal": False,
    **LAYER_NORM,
}
BERT_HEAD = {
    **linear("token_embd", S.n_vocab, S.n_embd),
    **linear("token_types", 2, S.n_embd),
    **norm("token_embd_norm", S.n_embd, bias=True),
}
POST_NORMS = norms(["attn_output_norm", "layer_output_norm"], S.n_embd, bias=True)
MEAN = {"pooling_type": int(gguf.PoolingType.MEAN)}
CLS = {"pooling_type": int(gguf.PoolingType.CLS)}

BERT = Architecture(
    "bert",
    "bert",
    "learnt positions; norms behind each part",
    {**BERT_KEYS, **MEAN},
    {
        **BERT_HEAD,
        **linear("position_embd", S.n_ctx, S.n_embd),
        **layers(
            S.n_layer,
            POST_NORMS
            | attention(S, qkv_bias=True, out_bias=True)
            | plain(S.n_embd, S.n_ff, bias=True),
        ),
    },
    Wpm(),
    Kind.ENCODER,
    gelu=True,
)

NOMIC_BERT = Architecture(
    "nomic-bert",
    "nomic-bert",
    "RoPE and a gate",
    {**BERT_KEYS, **S.rope_keys(), **MEAN},
    BERT_HEAD | layers(S.n_layer, POST_NORMS | fused_attention(S) | gated(S.n_embd, S.n_ff)),
    Wpm(),
    Kind.ENCODER,
)

JINA_BERT_V2 = Architecture(
    "jina-bert-v2",
    "jina-bert-v2",
    "ALiBi in both directions",
    {**BERT_KEYS, **MEAN},
    BERT_HEAD
    | layers(
        S.n_layer,
        {
            **POST_NORMS,
            **attention(S, qkv_bias=True, out_bias=True),
            **gated(S.n_embd, S.n_ff),
            "ffn_down.bias": (S.n_embd,),
        },
    ),
    Wpm(),
    Kind.ENCODER,
    gelu=True,
)

MODERN_BERT = Architecture(
    "modern-bert",
    "modern-bert",
    "a window to both sides in two layers of three",
    {
        **BERT_KEYS,
        "block_count": 4,
        **S.rope_keys(),
        "rope.freq_base_swa": 1000.0,
        "attention.sliding_window": WINDOW,
        **CLS,
    },
    {
        **linear("token_embd", S.n_vocab, S.n_embd),
        **norms(["token_embd_norm", "output_norm"], S.n_embd),
        **layers(
            4,
            lambda layer: merged(
                [
                    norm("attn_norm", S.n_embd) if layer else {},
                    fused_attention(S),
                    norm("ffn_norm", S.n_embd),
                    fused_gated(S.n_embd, S.n_ff),
                ]
            ),
        ),
    },
    Bpe("modern-bert", add_bos=True, add_eos=True),
    Kind.ENCODER,
)

G = Sizes()
GEMMA_EMBEDDING = Architecture(
    "gemma-embedding",
    "gemma-embedding",
    "Gemma 3 in both directions, with two dense layers behind the pooling",
    {
        **rope_keys(G),
        "attention.sliding_window": WINDOW,
        "attention.sliding_window_pattern": [True, False],
        "dense_2_feat_in": G.n_embd,
        "dense_2_feat_out": 2 * G.n_embd,
        "dense_3_feat_in": 2 * G.n_embd,
        "dense_3_feat_out": G.n_embd,
        **MEAN,
    },
    {
        **gemma3_tensors(G, tied=True),
        **linear("dense_2", 2 * G.n_embd, G.n_embd),
        **linear("dense_3", G.n_embd, 2 * G.n_embd),
    },
    SPM,
    Kind.ENCODER,
    gelu=True,
)

# Wide enough for a reference whose tolerance is that of these widths (t5_encoder_test.py).
T = Sizes(n_embd=128, head=32, n_head_kv=4, n_ff=256)
BUCKETS = 32  # of distances between tokens, each with a bias
T5_KEYS = {
    **T.keys(),
    **T.attention_keys(),
    **RMS_NORM,
    "attention.relative_buckets_count": BUCKETS,
}


def t5_stack(side: str, *attentions: str) -> Shapes:
    """Returns the layers of the encoder or decoder."""
    block = {
        **norms([f"{name}_norm" for name in attentions] + ["ffn_norm"], T.n_embd),
        **{f"{name}_{part}.weight": (T.n_embd, T.n_embd) for name in attentions for part in "qkvo"},
        **gated(T.n_embd, T.n_ff),
    }
    return {
        **layers(T.n_layer, block, f"{side}.blk"),
        **linear(f"{side}.blk.0.attn_rel_b", BUCKETS, T.n_head),
        **norm(f"{side}.output_norm", T.n_embd),
    }


T5_EMBEDDING = linear("token_embd", T.n_vocab, T.n_embd)
T5_ENCODER = Architecture(
    "t5encoder",
    "t5encoder",
    "biases for buckets of distances",
    T5_KEYS,
    T5_EMBEDDING | t5_stack("enc", "attn"),
    Ugm(),
    Kind.ENCODER,
    gelu=True,
)

T5 = Architecture(
    "t5",
    "t5",
    "a decoder that attends to the encoder's output",
    {**T5_KEYS, "decoder_start_token_id": 0},
    T5_EMBEDDING | t5_stack("enc", "attn") | t5_stack("dec", "attn", "cross_attn"),
    Ugm(),
    Kind.ENCODER_DECODER,
    gelu=True,
)

ENCODERS = (BERT, NOMIC_BERT, JINA_BERT_V2, MODERN_BERT, GEMMA_EMBEDDING, T5_ENCODER, T5)
