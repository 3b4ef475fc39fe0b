"""Tiny encoders of images, one for each way in which llama.cpp's mtmd handles an image.

Each function returns the encoder of one projector family of tools/mtmd/clip.cpp, for a text model
that is ``n_text`` wide. The docstrings say how many tokens an image has, as
clip_n_output_tokens() counts them.
"""

from __future__ import annotations

from projector_gguf import Encoder, Layers, Shapes, Value, norm, product

PATCH = 14
# A pixel becomes a number between -1 and 1.
_PIXELS: dict[str, Value] = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def _keys(layers: Layers, n_text: int, image_size: int, patch: int = PATCH) -> dict[str, Value]:
    return layers.keys(n_text) | _PIXELS | {"image_size": image_size, "patch_size": patch}


def _patches(layers: Layers, patch: int = PATCH, bias: bool = True) -> Shapes:
    shapes: Shapes = {"v.patch_embd.weight": (layers.n_embd, 3, patch, patch)}
    return shapes | {"v.patch_embd.bias": (layers.n_embd,)} if bias else shapes


def _positions(layers: Layers, count: int) -> Shapes:
    return {"v.position_embd.weight": (count, layers.n_embd)}


def llava(n_text: int) -> Encoder:
    """LLaVA 1.5: a square image, 16 tokens. The last layer is left out, as in the original."""
    layers, size = Layers(eps=1e-5), 56
    return Encoder(
        "mlp",
        _keys(layers, n_text, size),
        _patches(layers, bias=False)
        | {"v.class_embd": (layers.n_embd,)}
        | _positions(layers, (size // PATCH) ** 2 + 1)
        | norm("v.pre_ln", layers.n_embd)
        | layers.tensors()
        | product("mm.0", n_text, layers.n_embd)
        | product("mm.2", n_text, n_text),
    )


def llava_next(n_text: int) -> Encoder:
    """LLaVA 1.6: an overview of 4 tokens and, for an image above 28 pixels, up to four slices."""
    base = llava(n_text)
    size = 28
    positions = _positions(Layers(), (size // PATCH) ** 2 + 1)
    grids = [56, 28, 28, 56, 56, 56]
    return Encoder(
        base.projector,
        base.keys
        | {"image_size": size, "image_grid_pinpoints": grids}
        | {"mm_patch_merge_type": "spatial_unpad"},
        base.tensors | positions,
    )


def gemma3(n_text: int) -> Encoder:
    """Gemma 3: 16 tokens for any image. They see each other in both directions."""
    layers, size = Layers(), 112
    return Encoder(
        "gemma3",
        _keys(layers, n_text, size) | {"projector.scale_factor": 2, "clip.use_gelu": True},
        _patches(layers)
        | _positions(layers, (size // PATCH) ** 2)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd)
        | {
            # transposed in the file
            "mm.input_projection.weight": (layers.n_embd, n_text),
            "mm.soft_emb_norm.weight": (layers.n_embd,),
        },
    )


def _qwen_keys(layers: Layers, n_text: int) -> dict[str, Value]:
    return _keys(layers, n_text, 112) | {"spatial_merge_size": 2}


def _qwen_patches(layers: Layers) -> Shapes:
    """Returns two kernels: two frames of a video make one patch, a still image is taken twice."""
    shape = (layers.n_embd, 3, PATCH, PATCH)
    return {"v.patch_embd.weight": shape, "v.patch_embd.weight.1": shape}


def _qwen_merger(layers: Layers, n_text: int) -> Shapes:
    width = 4 * layers.n_embd
    return product("mm.0", width, width) | product("mm.2", n_text, width)


def qwen2vl(n_text: int) -> Encoder:
    """Qwen2-VL: at least 8 tokens, one for 28 x 28 pixels, which take max(rows, columns)
    positions."""
    layers = Layers()
    return Encoder(
        "qwen2vl_merger",
        _qwen_keys(layers, n_text),
        _qwen_patches(layers)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd)
        | _qwen_merger(layers, n_text),
    )


def qwen25vl(n_text: int, projector: str = "qwen2.5vl_merger") -> Encoder:
    """Qwen2.5-VL: as before, and all layers but each second one attend within a window."""
    layers = Layers(norm_bias=False, gated=True)
    return Encoder(
        projector,
        _qwen_keys(layers, n_text) | {"n_wa_pattern": 2, "clip.use_silu": True},
        _qwen_patches(layers)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd, bias=False)
        | _qwen_merger(layers, n_text),
    )


def qwen3vl(n_text: int) -> Encoder:
    """Qwen3-VL: a layer's features go to a layer of the text model, so embeddings are twice as
    wide as those of tokens."""
    layers = Layers(fused=True)
    width = 4 * layers.n_embd
    return Encoder(
        "qwen3vl_merger",
        _qwen_keys(layers, n_text) | {"clip.use_gelu": True},
        _qwen_patches(layers)
        | {"v.patch_embd.bias": (layers.n_embd,)}
        | _positions(layers, 16)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd)
        | norm("v.deepstack.0.norm", width)
        | product("v.deepstack.0.fc1", width, width)
        | product("v.deepstack.0.fc2", n_text, width)
        | _qwen_merger(layers, n_text),
    )


def idefics3(n_text: int) -> Encoder:
    """SmolVLM: 4 tokens for each tile of 56 x 56 pixels and for the overview. The longer side is
    two tiles, and marks say row and column of a tile."""
    layers, size = Layers(), 56
    return Encoder(
        "idefics3",
        _keys(layers, n_text, size)
        | {"projector.scale_factor": 2, "preproc_image_size": 2 * size, "clip.use_gelu": True},
        _patches(layers)
        | _positions(layers, (size // PATCH) ** 2)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd)
        | {"mm.model.fc.weight": (n_text, 4 * layers.n_embd)},
    )


def pixtral(n_text: int) -> Encoder:
    """Mistral Small 3.1: one token for 28 x 28 pixels, and one between two rows."""
    layers = Layers(eps=1e-5, bias=False, norm_bias=False, gated=True)
    return Encoder(
        "pixtral",
        _keys(layers, n_text, 112) | {"spatial_merge_size": 2, "clip.use_silu": True},
        _patches(layers, bias=False)
        | norm("v.pre_ln", layers.n_embd, bias=False)
        | layers.tensors()
        | {
            "mm.input_norm.weight": (layers.n_embd,),
            "mm.patch_merger.weight": (layers.n_embd, 4 * layers.n_embd),
            "v.token_embd.img_break": (n_text,),
        }
        | product("mm.1", n_text, layers.n_embd, bias=False)
        | product("mm.2", n_text, n_text, bias=False),
    )


def internvl(n_text: int) -> Encoder:
    """InternVL: 4 tokens for each tile of 56 x 56 pixels, at most four of them, then for the
    overview."""
    layers, size = Layers(), 56
    scales: Shapes = {}
    for layer in range(layers.n_layer):
        scales |= norm(f"v.blk.{layer}.ls1", layers.n_embd, bias=False)
        scales |= norm(f"v.blk.{layer}.ls2", layers.n_embd, bias=False)
    return Encoder(
        "internvl",
        _keys(layers, n_text, size)
        | {"projector.scale_factor": 2, "clip.use_gelu": True}
        | {"preproc_min_tiles": 1, "preproc_max_tiles": 4},
        _patches(layers)
        | {"v.class_embd": (layers.n_embd,)}
        | _positions(layers, (size // PATCH) ** 2 + 1)
        | layers.tensors()
        | scales
        | norm("mm.model.mlp.0", 4 * layers.n_embd)
        | product("mm.model.mlp.1", n_text, 4 * layers.n_embd)
        | product("mm.model.mlp.3", n_text, n_text),
    )


def minicpmv(n_text: int) -> Encoder:
    """MiniCPM-V 2.6: 8 queries for the overview and for each of up to nine slices.

    ``n_text`` must be a multiple of 128, the width of a head of the resampler
    (tools/mtmd/models/minicpmv.cpp).
    """
    layers, queries = Layers(), 8
    resampler: Shapes = {
        "resampler.pos_embed_k": (1, n_text),  # read, and not used
        "resampler.query": (queries, n_text),
        "resampler.proj.weight": (n_text, n_text),
        "resampler.kv.weight": (n_text, layers.n_embd),
    }
    for name in ("q", "k", "v", "out"):
        resampler |= product(f"resampler.attn.{name}", n_text, n_text)
    for name in ("q", "kv", "post"):
        resampler |= norm(f"resampler.ln_{name}", n_text)
    return Encoder(
        "resampler",
        _keys(layers, n_text, 56)
        | {"clip.minicpmv_version": 3, "clip.minicpmv_query_num": queries, "clip.use_gelu": True},
        _patches(layers)
        # The encoder spreads its positions over a grid of 70 x 70 (clip.cpp).
        | _positions(layers, 70 * 70)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd)
        | resampler,
    )


def hunyuanvl(n_text: int) -> Encoder:
    """HunyuanVL: 8 to 256 tokens, one for 28 x 28 pixels, and one behind each row, before and
    behind the image."""
    layers, width = Layers(), 48
    area = (2 * PATCH) ** 2
    return Encoder(
        "hunyuanvl",
        _keys(layers, n_text, 112)
        | {"spatial_merge_size": 2, "image_min_pixels": 8 * area, "image_max_pixels": 256 * area},
        _patches(layers)
        | _positions(layers, 16)
        | layers.tensors()
        | norm("mm.pre_norm", layers.n_embd, bias=False)
        | {
            "mm.0.weight": (width, layers.n_embd, 2, 2),
            "mm.0.bias": (width,),
            "mm.2.weight": (width, width, 1, 1),
            "mm.2.bias": (width,),
            "v.image_newline": (width,),
            "mm.image_begin": (n_text,),
            "mm.image_end": (n_text,),
        }
        | product("mm.model.fc", n_text, width)
        | norm("mm.post_norm", n_text, bias=False),
    )


def lfm2(n_text: int) -> Encoder:
    """LFM2-VL: 64 to 256 tokens, one for 32 x 32 pixels. An image of more than twice 512 x 512
    pixels becomes tiles of that size, then an overview."""
    layers, patch = Layers(), 16
    return Encoder(
        "lfm2",
        _keys(layers, n_text, 256, patch) | {"projector.scale_factor": 2, "clip.use_gelu": True},
        _patches(layers, patch)
        | _positions(layers, 256)
        | layers.tensors()
        | norm("v.post_ln", layers.n_embd)
        | norm("mm.input_norm", 4 * layers.n_embd)
        | product("mm.1", n_text, 4 * layers.n_embd)
        | product("mm.2", n_text, n_text),
    )


# clip.cpp limits a Gemma 4 image to 1,120 tokens of 3 x 3 patches, so a side has at most these.
_GEMMA4_TOKENS = 1120
_GEMMA4_MERGE = 3


def gemma4(n_text: int) -> Encoder:
    """Gemma 4: 70 to 1,120 tokens, one for 24 x 24 pixels."""
    layers, patch = Layers(bias=False, norm_bias=False, gated=True), 8
    sandwich: Shapes = {}
    for layer in range(layers.n_layer):
        block = f"v.blk.{layer}"
        sandwich |= norm(f"{block}.attn_q_norm", layers.head, bias=False)
        sandwich |= norm(f"{block}.attn_k_norm", layers.head, bias=False)
        sandwich |= norm(f"{block}.attn_post_norm", layers.n_embd, bias=False)
        sandwich |= norm(f"{block}.ffn_post_norm", layers.n_embd, bias=False)
    side = _GEMMA4_MERGE * _GEMMA4_TOKENS
    return Encoder(
        "gemma4v",
        _keys(layers, n_text, 96, patch)
        | {"projector.scale_factor": _GEMMA4_MERGE, "clip.use_gelu": True},
        _patches(layers, patch, bias=False)
        # one table for columns and one for rows
        | {"v.position_embd.weight": (2, side, layers.n_embd)}
        | layers.tensors()
        | sandwich
        | product("mm.input_projection", n_text, layers.n_embd, bias=False),
    )


def gemma4_unified(n_text: int) -> Encoder:
    """Gemma 4 without an encoder: patches of 24 x 24 pixels are embedded as they are."""
    layers, patch = Layers(n_layer=0), 8
    pixels = 3 * (_GEMMA4_MERGE * patch) ** 2
    return Encoder(
        "gemma4uv",
        _keys(layers, n_text, 96, patch) | {"projector.scale_factor": _GEMMA4_MERGE},
        product("v.patch_embd", layers.n_embd, pixels)
        | {"v.position_embd.weight": (2, _GEMMA4_TOKENS, layers.n_embd)}
        | norm("v.patch_norm.1", pixels)
        | norm("v.patch_norm.2", layers.n_embd)
        | norm("v.patch_norm.3", layers.n_embd)
        | product("mm.input_projection", n_text, layers.n_embd, bias=False),
    )
