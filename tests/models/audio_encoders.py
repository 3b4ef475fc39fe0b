"""Tiny encoders of audio, as tools/mtmd/clip.cpp of llama.cpp knows them.

Whisper's encoder makes pieces of 30 seconds, 3,000 frames, of any audio; Gemma 4's take as many
frames as there are. Where positions are stacked, the stack divides their number: the graph rounds
the rest up, clip_n_output_tokens() rounds it down, and clip.cpp ends the process if they differ.
"""

from __future__ import annotations

from projector_gguf import Encoder, Layers, Shapes, Value, norm, product

MEL_BINS = 128
FRAMES = 3000  # of 10 ms; whisper's second convolution halves them


def _whisper_keys(layers: Layers, n_text: int) -> dict[str, Value]:
    return layers.keys(n_text) | {"num_mel_bins": MEL_BINS}


def _whisper_layers() -> Layers:
    return Layers(prefix="a", eps=1e-5, key_bias=False)


def _whisper(layers: Layers) -> Shapes:
    n = layers.n_embd
    return {
        "a.conv1d.1.weight": (n, MEL_BINS, 3),
        "a.conv1d.1.bias": (n, 1),
        "a.conv1d.2.weight": (n, n, 3),
        "a.conv1d.2.bias": (n, 1),
        "a.position_embd.weight": (FRAMES // 2, n),
        **layers.tensors(),
        **norm("a.post_ln", n),
    }


def ultravox(n_text: int) -> Encoder:
    """Ultravox: 20 positions are one token, so 30 seconds are 75."""
    layers, stack, width = _whisper_layers(), 20, 64
    return Encoder(
        "ultravox",
        _whisper_keys(layers, n_text) | {"projector.stack_factor": stack},
        _whisper(layers)
        | norm("mm.a.norm_pre", stack * layers.n_embd, bias=False)
        | product("mm.a.mlp.1", 2 * width, stack * layers.n_embd, bias=False)
        | norm("mm.a.norm_mid", width, bias=False)
        | product("mm.a.mlp.2", n_text, width, bias=False),
    )


def voxtral(n_text: int) -> Encoder:
    """Voxtral: positions are averaged in pairs, then 10 are one token, so 30 seconds are 75."""
    layers, stack, width = _whisper_layers(), 10, 64
    return Encoder(
        "voxtral",
        _whisper_keys(layers, n_text) | {"projector.stack_factor": stack},
        _whisper(layers)
        | product("mm.a.mlp.1", width, stack * layers.n_embd, bias=False)
        | product("mm.a.mlp.2", n_text, width, bias=False),
    )


def qwen2_audio(n_text: int, projector: str = "qwen2a") -> Encoder:
    """Qwen2-Audio: positions are averaged in pairs, so 30 seconds are 750 tokens."""
    layers = _whisper_layers()
    return Encoder(
        projector,
        _whisper_keys(layers, n_text),
        _whisper(layers) | product("mm.a.fc", n_text, layers.n_embd),
    )


def gemma4(n_text: int) -> Encoder:
    """Gemma 4's conformer: a token for 40 ms."""
    layers = Layers(prefix="a", bias=False, norm_bias=False)
    channels, n = 8, layers.n_embd
    shapes: Shapes = {}
    for i, inputs in enumerate((1, channels)):
        shapes[f"a.conv1d.{i}.weight"] = (channels, inputs, 3, 3)
        shapes[f"a.conv1d.{i}.norm.weight"] = (channels,)
    # Both convolutions halve the mel bins.
    shapes |= product("a.input_projection", n, channels * MEL_BINS // 4, bias=False)
    shapes |= layers.tensors()
    for layer in range(layers.n_layer):
        shapes |= _conformer_block(f"a.blk.{layer}", layers)
    return Encoder(
        "gemma4a",
        layers.keys(n_text) | {"num_mel_bins": MEL_BINS},
        shapes
        | product("a.pre_encode.out", n, n)
        | product("mm.a.input_projection", n_text, n, bias=False),
    )


def _conformer_block(block: str, layers: Layers) -> Shapes:
    """Returns the tensors that a conformer's layer has beyond those of a transformer."""
    n = layers.n_embd
    shapes: Shapes = {
        f"{block}.per_dim_scale.weight": (layers.head,),
        f"{block}.attn_k_rel.weight": (n, n),
        f"{block}.conv_pw1.weight": (2 * n, n),
        f"{block}.conv_dw.weight": (n, 5),
        f"{block}.conv_pw2.weight": (n, n),
        f"{block}.ffn_up_1.weight": (layers.n_ff, n),
        f"{block}.ffn_down_1.weight": (n, layers.n_ff),
    }
    for name in ("attn_pre_norm", "attn_post_norm", "ffn_norm", "ffn_post_norm"):
        shapes |= norm(f"{block}.{name}", n, bias=False)
    for name in ("ffn_norm_1", "ffn_post_norm_1", "norm_conv", "conv_norm"):
        shapes |= norm(f"{block}.{name}", n, bias=False)
    return shapes


def gemma4_unified(n_text: int) -> Encoder:
    """Gemma 4 without an encoder: 640 samples, 40 ms, are a token as they are."""
    samples = 640
    layers = Layers(prefix="a", n_layer=0)
    return Encoder(
        "gemma4ua",
        layers.keys(n_text) | {"num_mel_bins": samples},
        product("mm.a.input_projection", n_text, samples, bias=False),
    )
