"""Makes GGUF models with random weights: for shapes and quantisation types, not for sense.

    python random_models.py --out DIR                 the set that the tests use (PRESETS below)
    python random_models.py --out DIR --only llama-q8_0 embedding-f16
    python random_models.py --out DIR --name wide --layers 12 --embd 768 --type q8_0

The same arguments give the same bytes on every machine: the numbers come from NumPy's PCG64
with a seed taken from ``--seed`` and the tensor's name alone, so that two quantisations of one
shape hold the same weights before rounding. Needs the packages numpy and gguf.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
from architectures import ARCHITECTURES
from architectures.dense import QWEN3_RERANKER
from gguf import GGMLQuantizationType, PoolingType, TokenType
from llama_gguf import FILE_TYPES, KJV, LlamaShape, Vocabulary, byte_vocabulary, write_llama
from lora_gguf import LoraShape, write_lora
from random_tensors import random_tensors

TYPES = {qtype.name.lower(): qtype for qtype in FILE_TYPES}

# Two layers, so that an error in one layer travels through another; three query heads to a
# key/value head, so that a wrong pairing of heads shows. Rows are multiples of 256, which Q4_K,
# the repacked kernels and the AMX kernels ask for.
SMALL = LlamaShape(
    n_vocab=512, n_layer=2, n_embd=768, n_head=12, n_head_kv=4, n_ff=1024, n_ctx=256, tied=False
)
# The other branches of the loader: output tied to the embedding, every head its own key/value.
TIED = LlamaShape(n_vocab=512, n_layer=1, n_embd=256, n_head=4, n_head_kv=4, n_ff=512, n_ctx=128)
EMBEDDING = LlamaShape(
    n_vocab=512, n_layer=2, n_embd=256, n_head=4, n_head_kv=2, n_ff=512, n_ctx=256
)
LONG = replace(TIED, n_ctx=4096)  # for prompts of which every character is a token


@dataclass(frozen=True)
class Preset:
    shape: LlamaShape
    qtype: GGMLQuantizationType
    pooling: PoolingType | None = None
    # Generates no single bytes, which would make a text that is mostly invalid UTF-8.
    words_only: bool = False
    marks: tuple[str, ...] = ()  # control tokens, the last of the vocabulary


# Those of functionary's versions (get_additional_tokens() of MeetKai/functionary's templates).
FUNCTIONARY_V1 = (
    *("<|START_OF_FUNCTION_CALL|>", "<|END_OF_SYSTEM|>", "<|END_OF_USER|>"),
    *("<|END_OF_ASSISTANT|>", "<|END_OF_FUNCTION_RESULT|>", "<|END_OF_FUNCTION_CALL|>"),
)
FUNCTIONARY_V2 = ("<|from|>", "<|recipient|>", "<|content|>", "<|stop|>")
# Tokens that llama.cpp takes for those of infilling (src/llama-vocab.cpp).
INFILL = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")

PRESETS: dict[str, Preset] = {
    **{f"llama-{key}": Preset(SMALL, qtype) for key, qtype in TYPES.items()},
    "tied-f32": Preset(TIED, GGMLQuantizationType.F32),
    "embedding-f16": Preset(EMBEDDING, GGMLQuantizationType.F16, PoolingType.MEAN),
    "functionary-v1": Preset(LONG, GGMLQuantizationType.F16, marks=FUNCTIONARY_V1),
    "functionary-v2": Preset(LONG, GGMLQuantizationType.F16, marks=FUNCTIONARY_V2),
    "infill-f16": Preset(
        replace(LONG, tied=False), GGMLQuantizationType.F16, words_only=True, marks=INFILL
    ),
}

# Of other architectures than Llama: the model, and types that have rows of 32 columns.
OTHERS = {
    f"{name}-{key}": (model, TYPES[key])
    for name, model, keys in (
        ("deepseek2", ARCHITECTURES["deepseek2"], ("f16", "q8_0", "q4_0")),
        ("qwen3next", ARCHITECTURES["qwen3next"], ("f16", "q8_0", "q4_0")),
        ("reranker", QWEN3_RERANKER, ("f16",)),
        ("t5encoder", ARCHITECTURES["t5encoder"], ("f32",)),
        ("t5", ARCHITECTURES["t5"], ("f32",)),
    )
    for key in keys
}

# Adapters: the shape, and the architecture that the file names.
LORAS = {
    "lora-kjv-1": (LoraShape(KJV), "llama"),
    "lora-kjv-2": (LoraShape(KJV, rank=2), "llama"),
    "lora-tied-1": (LoraShape(TIED), "llama"),
    "lora-tied-2": (LoraShape(TIED, rank=2), "llama"),
    "lora-embedding": (LoraShape(EMBEDDING), "llama"),
    "lora-gpt2": (LoraShape(TIED), "gpt2"),
}


def write_random(path: Path, preset: Preset, seed: int) -> None:
    shape = preset.shape
    vocabulary = byte_vocabulary(shape.n_vocab, preset.marks)
    tensors = random_tensors(shape, seed)
    head = tensors["token_embd.weight" if shape.tied else "output.weight"]
    # The logit of these tokens is always 0, far below the best of some hundreds of random ones.
    # So a generation ends when the caller says so, and not by chance at </s>.
    head[silent_tokens(vocabulary, preset.words_only)] = 0
    write_llama(
        path,
        name=path.stem,
        shape=shape,
        tensors=tensors,
        qtype=preset.qtype,
        vocabulary=vocabulary,
        pooling=preset.pooling,
    )


def write_random_lora(path: Path, name: str, seed: int) -> None:
    shape, architecture = LORAS[name]
    write_lora(path, shape, zlib.crc32(name.encode()) + seed, architecture)


def silent_tokens(vocabulary: Vocabulary, words_only: bool) -> list[int]:
    if not words_only:
        return [vocabulary.eos_id]
    return [token for token, kind in enumerate(vocabulary.types) if kind != TokenType.NORMAL]


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the .gguf files")
    parser.add_argument(
        "--only", nargs="+", choices=sorted(PRESETS | OTHERS | LORAS), help="some of the presets"
    )
    parser.add_argument("--seed", type=int, default=1)
    custom = parser.add_argument_group("one model of a shape of your own")
    custom.add_argument("--name", help="file name without .gguf; the options below apply to it")
    custom.add_argument("--type", choices=sorted(TYPES), default="f32")
    custom.add_argument("--vocab", type=int, default=512)
    custom.add_argument("--layers", type=int, default=2)
    custom.add_argument("--embd", type=int, default=256)
    custom.add_argument("--heads", type=int, default=4)
    custom.add_argument("--kv-heads", type=int, default=2)
    custom.add_argument("--ff", type=int, default=512)
    custom.add_argument("--ctx", type=int, default=512)
    custom.add_argument("--untied", action="store_true", help="an output matrix of its own")
    custom.add_argument("--words-only", action="store_true", help="never generate single bytes")
    custom.add_argument("--pooling", choices=["none", "mean", "cls", "last"])
    return parser.parse_args(argv)


def custom_preset(args: argparse.Namespace) -> Preset:
    shape = LlamaShape(
        n_vocab=args.vocab,
        n_layer=args.layers,
        n_embd=args.embd,
        n_head=args.heads,
        n_head_kv=args.kv_heads,
        n_ff=args.ff,
        n_ctx=args.ctx,
        tied=not args.untied,
    )
    if shape.n_embd % shape.n_head or shape.n_head % shape.n_head_kv:
        raise ValueError("--embd must be a multiple of --heads, and --heads one of --kv-heads")
    pooling = gguf.PoolingType[args.pooling.upper()] if args.pooling else None
    if args.words_only and shape.tied:
        raise ValueError("--words-only needs --untied: a silent token has an output row of zeros")
    return Preset(shape, TYPES[args.type], pooling, args.words_only)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_arguments(argv)
    try:
        presets = {args.name: custom_preset(args)} if args.name else PRESETS
        args.out.mkdir(parents=True, exist_ok=True)
        for name in args.only or (presets if args.name else PRESETS | OTHERS | LORAS):
            path = args.out / f"{name}.gguf"
            if name in presets:
                write_random(path, presets[name], args.seed)
            elif name in LORAS:
                write_random_lora(path, name, args.seed)
            else:
                model, qtype = OTHERS[name]
                model.write(path, model.weights(args.seed), qtype)
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    except ValueError as error:
        print(f"random_models.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
