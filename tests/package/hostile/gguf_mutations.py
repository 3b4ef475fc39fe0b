"""Ways to spoil a GGUF file, each a function of a random number generator and a file.

``mutate()`` is a function of seed and file alone: a seed names a case.
"""

from __future__ import annotations

import dataclasses
import random
import struct
from typing import Callable, Dict, List, Tuple, Union

import gguf_layout as layout
from gguf_layout import ARRAY, BOOL, F32, F64, I32, I64, STRING, U8, U32, U64, File, Value

Mutated = Union[File, bytes]
Mutation = Callable[[random.Random, File], Mutated]

SIZES = (
    *(0, 1, 2, 3, 5, 7, 31, 63, 64, 65, 127, 128, 255, 256, 511, 512, 513, 1000, 65535, 65536),
    *(10**6, 2**24, 2**30, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33, 2**40, 2**61, 2**62),
    *(2**63 - 1, 2**63, 2**64 - 1),
)
SMALL = tuple(size for size in SIZES if size < 2**32)
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 3e38, -3e38, float("inf"), float("-inf"), float("nan"))
TEXTS = (
    *(b"", b"x", b"llama", b"\x00", b"a\x00b", b"\xff\xfe", b"\xe8\xaa", b"%s%n", b"{{", b"none"),
    *("語".encode(), b"n" * 5000, b"yarn", b"gpt2", b"bert", b"t5", b"rwkv", b"plamo2", b"test"),
    *(b"clip", b"unknown", b"no_vocab", b"hybriddna", b"gemma4", b"whitespace", b"longrope"),
)
TEMPLATES = (
    *(b"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", b"{% for", b"{{" * 3000, b"\xff" * 9),
    *(b"{% for a in range(99999999) %}x{% endfor %}", b"{{ messages[9].content[0:99] }}"),
    *(b"{{ 'x' * 99999999999 }}", b"{" * 100000, b"{{ raise_exception('no') }}", b"\x00"),
)
NAMES = ("model", "pre", "tokens", "token_type", "scores", "merges", "precompiled_charsmap")

# Suffixes of keys that llama.cpp reads from some or all architectures (LLM_KV_NAMES of
# src/llama-arch.cpp).
SUFFIXES = """
    vocab_size context_length embedding_length embedding_length_out features_length block_count
    embedding_length_per_layer_input leading_dense_block_count feed_forward_length
    expert_feed_forward_length expert_shared_feed_forward_length use_parallel_residual
    tensor_data_layout expert_count expert_used_count expert_shared_count expert_group_count
    expert_group_used_count expert_weights_scale expert_weights_norm expert_gating_func
    expert_group_scale experts_per_group moe_every_n_layers moe_latent_size nextn_predict_layers
    n_deepstack_layers deepstack_mapping pooling_type logit_scale decoder_start_token_id
    decoder_block_count attn_logit_softcapping final_logit_softcapping rescale_every_n_layers
    time_mix_extra_dim time_decay_extra_dim residual_scale embedding_scale token_shift_count
    interleave_moe_layer_step full_attention_interval attention.head_count attention.head_count_kv
    attention.max_alibi_bias attention.clamp_kqv attention.key_length attention.value_length
    attention.layer_norm_epsilon attention.layer_norm_rms_epsilon attention.group_norm_epsilon
    attention.group_norm_groups attention.causal attention.q_lora_rank attention.kv_lora_rank
    attention.decay_lora_rank attention.relative_buckets_count attention.sliding_window
    attention.sliding_window_pattern attention.rope_pattern attention.scale attention.output_scale
    attention.temperature_length attention.temperature_scale attention.key_length_mla
    attention.value_length_mla attention.key_length_swa attention.value_length_swa
    attention.indexer.head_count attention.indexer.key_length attention.indexer.top_k
    attention.indexer.block_size attention.indexer.types attention.indexer.kpool
    attention.output_group_count attention.compress_ratios attention.shared_kv_layers
    attention.recurrent_layers hyper_connection.count hyper_connection.sinkhorn_iterations
    rope.dimension_count rope.dimension_count_swa rope.dimension_sections rope.freq_base
    rope.freq_base_swa rope.scale_linear rope.scaling.type rope.scaling.factor rope.scaling.alpha
    rope.scaling.attn_factor rope.scaling.original_context_length rope.scaling.finetuned
    rope.scaling.yarn_log_multiplier rope.scaling.yarn_beta_fast ssm.conv_kernel ssm.inner_size
    ssm.state_size ssm.time_step_rank ssm.group_count ssm.dt_b_c_rms wkv.head_size kda.head_dim
    posnet.embedding_length posnet.block_count convnext.embedding_length convnext.block_count
    classifier.output_labels classifier.pooling_type classifier.activation target_layers
    shortcont.l_cache shortconv.l_cache dense_2_feat_in dense_2_feat_out hash_layer_count num_loops
    hrm.layers_per_stack hrm.h_cycles hrm.l_cycles ple.layers ple.ngram_size ple.conv_kernel
    ple.heads_per_ngram ple.layer_multipliers ple.head_offsets ple.head_vocab_sizes
""".split()
IDS = (
    *("bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "cls", "mask", "fim_pre"),
    *("fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep", "prefix", "suffix", "middle"),
)
SPLITS = (b"split.no", b"split.count", b"split.tensors.count")


# ---- bytes


def flip_header(rng: random.Random, file: File) -> bytes:
    """Changes bytes of magic, version or counts."""
    return _flip(rng, file.parts(), 0)


def flip_metadata(rng: random.Random, file: File) -> bytes:
    """Changes bytes of keys, types, lengths or values."""
    return _flip(rng, file.parts(), 1)


def flip_tensor_infos(rng: random.Random, file: File) -> bytes:
    """Changes bytes of names, dimensions, types or offsets."""
    return _flip(rng, file.parts(), 2)


def flip_data(rng: random.Random, file: File) -> bytes:
    """Changes bytes of weights."""
    return _flip(rng, file.parts(), 3)


def _flip(rng: random.Random, parts: Tuple[bytes, ...], index: int) -> bytes:
    changed = bytearray(parts[index])
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        at = rng.randrange(len(changed))
        changed[at] = rng.choice((changed[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 255))
    return b"".join([*parts[:index], bytes(changed), *parts[index + 1 :]])


def insert_or_delete(rng: random.Random, file: File) -> bytes:
    """Shifts everything behind some byte of the metadata or the tensor infos."""
    header, metadata, infos, data = file.parts()
    head = bytearray(header + metadata + infos)
    at, size = rng.randrange(len(head)), rng.choice((1, 2, 4, 8, 31, 32))
    if rng.random() < 0.5:
        del head[at : at + size]
    else:
        head[at:at] = bytes(rng.randrange(256) for _ in range(size))
    return bytes(head) + data


def truncate(rng: random.Random, file: File) -> bytes:
    """Cuts the file at any place, or at the end of a part."""
    parts = file.parts()
    content = b"".join(parts)
    ends = [sum(map(len, parts[: index + 1])) for index in range(4)]
    place = rng.choice((rng.randrange(len(content)), rng.randrange(ends[2]), *ends))
    return content[: max(0, place - rng.choice((0, 1, 4, 8)))]


def append(rng: random.Random, file: File) -> bytes:
    """Puts bytes behind the end."""
    return file.encoded() + bytes(rng.choice((1, 31, 4096)))


# ---- lengths, counts, types, offsets


def counts(rng: random.Random, file: File) -> File:
    """Gives a wrong number of keys or tensors, or another version."""
    which = rng.choice(("n_keys", "n_tensors", "version"))
    if which == "version":
        return dataclasses.replace(file, version=rng.choice((0, 1, 2, 4, 99, 3 << 24, 2**32 - 1)))
    right = len(file.keys) if which == "n_keys" else len(file.tensors)
    number = rng.choice((0, right - 1, right + 1, -1, 2**31, 2**40, 2**62, -(2**63), 2**63 - 1))
    return dataclasses.replace(file, **{which: number})


def lengths(rng: random.Random, file: File) -> bytes:
    """Gives a key, a string or a tensor's name another length than it has."""
    header, metadata, infos, data = file.parts()
    names = [key for key, _ in file.keys] + [tensor.name for tensor in file.tensors]
    names += [
        value.raw[8:] for _, value in file.keys if value.kind == STRING and len(value.raw) < 500
    ]
    name = rng.choice(names)
    size = rng.choice(SIZES) if rng.random() < 0.7 else len(name) + rng.choice((-1, 1, 8))
    head = header + metadata + infos
    return head.replace(layout.string(name), struct.pack("<Q", size % 2**64) + name, 1) + data


def array_lengths(rng: random.Random, file: File) -> File:
    """Gives an array another number of items than follow."""
    key, value = rng.choice(_arrays(file) or file.keys)
    count = rng.choice((*SIZES, value.count + 1, value.count - 1)) % 2**64
    return _with(file, key, dataclasses.replace(value, count=count))


def types(rng: random.Random, file: File) -> File:
    """Gives a value another type, and leaves its bytes."""
    key, value = rng.choice(file.keys)
    kind = rng.choice((*range(14), 255, 2**32 - 1))
    if rng.random() < 0.5 and value.kind == ARRAY:
        return _with(file, key, dataclasses.replace(value, item=kind))
    return _with(file, key, Value(kind, value.raw, rng.choice((U8, U32, ARRAY, STRING)), 3))


def tensor_types(rng: random.Random, file: File) -> File:
    """Gives tensors another type."""
    kinds = (*range(42), 255, 2**31, 2**32 - 1)
    return _change_tensors(rng, file, lambda tensor: {"kind": rng.choice(kinds)})


def offsets(rng: random.Random, file: File) -> File:
    """Lets tensors overlap, begin beside the alignment, or lie outside of the file."""
    others = [tensor.offset for tensor in file.tensors]

    def change(tensor: layout.Tensor) -> dict:
        choices = (0, 1, tensor.offset + 32, tensor.offset + 1, tensor.offset ^ 32)
        offset = rng.choice((*choices, len(file.data), rng.choice(others), rng.choice(SIZES)))
        return {"offset": offset % 2**64}

    return _change_tensors(rng, file, change)


def dimensions(rng: random.Random, file: File) -> File:
    """Gives tensors another shape: huge, negative, zero, turned, of other rank."""

    def change(tensor: layout.Tensor) -> dict:
        sizes = list(tensor.dimensions)
        how = rng.randrange(6)
        if how == 0 and sizes:
            sizes[rng.randrange(len(sizes))] = _signed(rng.choice(SIZES))
        elif how == 1:
            sizes = sizes[::-1]
        elif how == 2 and sizes:
            at = rng.randrange(len(sizes))
            sizes[at] = abs(sizes[at] + rng.choice((-1, 1, 32, -32))) % 2**62
        elif how == 3:
            sizes = [_signed(rng.choice(SIZES)) for _ in range(rng.randrange(5))]
        elif how == 4:
            return {"n_dimensions": rng.choice((0, 1, 2, 3, 4, 5, 255, 2**32 - 1))}
        elif sizes:
            sizes = [sizes[0] // 2, *sizes[1:]] if sizes[0] > 1 else [*sizes, 2]
        return {"dimensions": tuple(sizes[:4])}

    return _change_tensors(rng, file, change)


def other_types(rng: random.Random, file: File) -> File:
    """Gives tensors another type, and the file data that fits."""
    file = file.copy()
    for _ in range(rng.choice((1, 1, 3, len(file.tensors)))):
        at = rng.randrange(len(file.tensors))
        tensor = file.tensors[at]
        kind = rng.choice((*layout.BLOCKS, 0, 1, 26, 30))
        if layout.size_of(tensor.dimensions, kind) is not None:
            file.tensors[at] = dataclasses.replace(tensor, kind=kind)
    return layout.laid_out(file)


def other_shapes(rng: random.Random, file: File) -> File:
    """Gives a tensor another shape, and the file data that fits."""
    file = file.copy()
    at = rng.randrange(len(file.tensors))
    tensor = file.tensors[at]
    sizes = list(tensor.dimensions)
    index = rng.randrange(len(sizes))
    sizes[index] = rng.choice((1, sizes[index] * 2, sizes[index] // 2, sizes[index] + 1, 0, 32))
    sizes = rng.choice((sizes, sizes, tensor.dimensions[::-1], [*tensor.dimensions, 2][:4]))
    if layout.size_of(tuple(sizes), tensor.kind) is not None:
        file.tensors[at] = dataclasses.replace(tensor, dimensions=tuple(sizes))
    return layout.laid_out(file)


def names_of_tensors(rng: random.Random, file: File) -> File:
    """Renames, takes away, doubles or exchanges tensors."""
    file = file.copy()
    at, other = rng.randrange(len(file.tensors)), rng.randrange(len(file.tensors))
    tensor, second = file.tensors[at], file.tensors[other]
    how = rng.randrange(5)
    if how == 0:
        name = rng.choice((b"", b"x" * 63, b"x" * 64, b"\xff\xfe", tensor.name + b"2", b"a\x00b"))
        file.tensors[at] = dataclasses.replace(tensor, name=name)
    elif how == 1:
        del file.tensors[at]
    elif how == 2:
        file.tensors.append(tensor)
    elif how == 3:
        file.tensors[at] = dataclasses.replace(tensor, name=second.name)
        file.tensors[other] = dataclasses.replace(second, name=tensor.name)
    else:
        extra = rng.choice((b"rope_freqs.weight", b"output.weight", b"cls.weight", b"extra"))
        file.tensors.append(dataclasses.replace(tensor, name=extra))
    return file


def weights(rng: random.Random, file: File) -> File:
    """Fills a part of the data with one byte: NaN, infinity, zero."""
    begin = rng.randrange(len(file.data))
    end = rng.choice((len(file.data), min(len(file.data), begin + 4096)))
    fill = bytes([rng.choice((0, 0x7C, 0x7F, 0xFF, 0x80))])
    return dataclasses.replace(
        file, data=file.data[:begin] + fill * (end - begin) + file.data[end:]
    )


# ---- metadata


def remove_key(rng: random.Random, file: File) -> File:
    """Takes a key away."""
    file = file.copy()
    file.remove(rng.choice(file.keys)[0])
    return file


def double_key(rng: random.Random, file: File) -> File:
    """Gives a key twice, or an empty or strange one."""
    file = file.copy()
    key, value = rng.choice(file.keys)
    key = rng.choice((key, key, b"", b"\xff\xfe\xfd", b"k" * 100_000, key[:-1], b"a\x00b"))
    file.keys.insert(rng.randrange(len(file.keys)), (key, value))
    return file


def retype(rng: random.Random, file: File) -> File:
    """Gives a key a sound value of another type: general.architecture as a number."""
    key, _ = rng.choice(file.keys)
    return _with(file, key, _any_value(rng))


def numbers(rng: random.Random, file: File) -> File:
    """Gives a numeric key of the model another number."""
    found = [pair for pair in file.keys if pair[1].kind not in (ARRAY, STRING)]
    if not found:
        return more_keys(rng, file)
    key, value = rng.choice(found)
    return _with(file, key, _other_number(rng, value.kind))


def more_keys(rng: random.Random, file: File) -> File:
    """Gives the model a key that it lacks, or has, of those that llama.cpp reads."""
    file = file.copy()
    for _ in range(rng.choice((1, 1, 2, 4))):
        key = f"{file.architecture}.{rng.choice(SUFFIXES)}".encode()
        old = file.get(key)
        if old is not None and old.kind not in (ARRAY, STRING):
            value = _other_number(rng, old.kind)
        else:
            value = _likely_value(rng)
        file.set(key, value)
    return file


def arrays_of_numbers(rng: random.Random, file: File) -> File:
    """Turns a number into an array of some length, or changes an array's length or items."""
    model = [(k, v) for k, v in file.keys if not k.startswith(b"tokenizer.") and v.kind != STRING]
    if not model:
        return more_keys(rng, file)
    key, value = rng.choice(model)
    item = value.item if value.kind == ARRAY else value.kind
    if item == STRING:
        return _with(file, key, layout.array(STRING, [b"x"] * rng.choice((0, 1, 512))))
    old = value.items() or [0]
    size = rng.choice((0, 1, 2, 3, 4, 5, len(old), len(old) + 1, 512, 513, 100_000))
    items = [rng.choice(old) for _ in range(size)]
    if items and rng.random() < 0.5:
        at = rng.randrange(size)
        items[at] = _other_number(rng, item).items()[0]
    return _with(file, key, layout.array(item, items))


def splits(rng: random.Random, file: File) -> File:
    """Says that the file is one of several."""
    file = file.copy()
    for key in rng.sample(SPLITS, rng.randint(1, 3)):
        kind = rng.choice((2, 2, 2, U32, I32, STRING))
        file.set(key, layout.scalar(kind, b"x") if kind == STRING else _other_number(rng, kind))
    return file


def alignment(rng: random.Random, file: File) -> File:
    """Gives another alignment than the data has."""
    kind = rng.choice((U32, U32, U32, U64, I32, F32))
    return _with(file, b"general.alignment", _other_number(rng, kind))


def rename_architecture(rng: random.Random, file: File, others: List[str]) -> File:
    """Says that the model is of another architecture; half of the time its keys say so too."""
    file = file.copy()
    old, new = file.architecture, rng.choice(others)
    if rng.random() < 0.7:
        file.keys = [
            (new.encode() + key[len(old) :], value)
            if key.startswith(old.encode() + b".")
            else (key, value)
            for key, value in file.keys
        ]
    file.set(b"general.architecture", layout.scalar(STRING, new.encode()))
    return file


# ---- the tokenizer


def vocabulary(rng: random.Random, file: File) -> File:
    """Changes number or items of one of the tokenizer's arrays."""
    key = f"tokenizer.ggml.{rng.choice(NAMES[2:])}".encode()
    value = file.get(key)
    if value is None:
        return _with(file, key, _likely_value(rng))
    items = value.items()
    how = rng.randrange(6)
    if how == 0:
        items = items[: rng.choice((0, 1, 10, len(items) - 1))]
    elif how == 1:
        items = items + items[:1] * rng.choice((1, 100))
    elif how == 2:
        items = items[:1] * len(items)
    elif how == 3:
        rng.shuffle(items)
    else:
        for _ in range(rng.choice((1, 5, len(items)))):
            at = rng.randrange(len(items)) if items else 0
            items[at : at + 1] = [_other_item(rng, value.item, items)]
    return _with(file, key, layout.array(value.item, items))


def tokenizer_names(rng: random.Random, file: File) -> File:
    """Names another kind of tokenizer or pre-tokenizer, or gives a hostile chat template."""
    key = rng.choice((b"tokenizer.ggml.model", b"tokenizer.ggml.pre", b"tokenizer.chat_template"))
    if key.endswith(b"template"):
        return _with(file, key, layout.scalar(STRING, rng.choice(TEMPLATES)))
    return _with(file, key, layout.scalar(STRING, rng.choice(TEXTS)))


def special_tokens(rng: random.Random, file: File) -> File:
    """Gives special tokens outside of the vocabulary, or of a wrong type."""
    file = file.copy()
    for name in rng.sample(IDS, rng.choice((1, 2, 6))):
        kind = rng.choice((U32, U32, U32, I32, U64, STRING, BOOL))
        value = layout.scalar(kind, b"1") if kind == STRING else _other_number(rng, kind)
        file.set(f"tokenizer.ggml.{name}_token_id".encode(), value)
    for name in ("add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix"):
        if rng.random() < 0.3:
            file.set(f"tokenizer.ggml.{name}".encode(), layout.scalar(BOOL, rng.random() < 0.5))
    return file


def character_map(rng: random.Random, file: File) -> File:
    """Gives random bytes as the character map of a unigram tokenizer."""
    size = rng.choice((0, 1, 3, 4, 5, 8, 64, 4096))
    content = bytearray(rng.randrange(256) for _ in range(size))
    if rng.random() < 0.8:
        content[:4] = struct.pack("<I", rng.choice((0, 4, 8, size - 5, size - 4, size)) % 2**32)
    return _with(file, b"tokenizer.ggml.precompiled_charsmap", layout.array(U8, list(content)))


# ---- helpers


def _with(file: File, key: bytes, value: Value) -> File:
    file = file.copy()
    file.set(key, value)
    return file


def _arrays(file: File) -> List[Tuple[bytes, Value]]:
    return [pair for pair in file.keys if pair[1].kind == ARRAY]


def _signed(size: int) -> int:
    return size - 2**64 if size >= 2**63 else size


def _change_tensors(
    rng: random.Random, file: File, change: Callable[[layout.Tensor], dict]
) -> File:
    """Changes one tensor, some, or all."""
    file = file.copy()
    for _ in range(rng.choice((1, 1, 2, len(file.tensors)))):
        at = rng.randrange(len(file.tensors))
        file.tensors[at] = dataclasses.replace(file.tensors[at], **change(file.tensors[at]))
    return file


def _other_number(rng: random.Random, kind: int) -> Value:
    if kind in (F32, F64):
        return layout.scalar(kind, rng.choice(FLOATS))
    if kind == BOOL:
        return layout.scalar(BOOL, rng.random() < 0.5)
    size = struct.calcsize("<" + layout.FORMATS[kind])
    number = rng.choice(SMALL[:20] if rng.random() < 0.5 else SIZES) % 256**size
    if kind in (I32, I64, layout.I8, layout.I16) and number >= 256**size // 2:
        number -= 256**size
    return layout.scalar(kind, number)


def _other_item(rng: random.Random, kind: int, items: list) -> object:
    if kind == STRING:
        pieces = (*items[:1], b" ", b"a b c", b" a", b"\xf0\x9f", b"<0x41>", b"<0xZZ>")
        return rng.choice((*TEXTS[:11], *pieces))
    return _other_number(rng, kind).items()[0]


def _any_value(rng: random.Random) -> Value:
    kind = rng.choice((*layout.FORMATS, STRING, ARRAY))
    if kind == STRING:
        return layout.scalar(STRING, rng.choice(TEXTS))
    if kind != ARRAY:
        return _other_number(rng, kind)
    item = rng.choice((*layout.FORMATS, STRING))
    count = rng.choice((0, 1, 2, 100))
    if item == STRING:
        return layout.array(STRING, [rng.choice(TEXTS) for _ in range(count)])
    return layout.array(item, [_other_number(rng, item).items()[0] for _ in range(count)])


def _likely_value(rng: random.Random) -> Value:
    """Returns a value of a type that such a key often has."""
    kind = rng.choice((U32, U32, U32, F32, BOOL, STRING, ARRAY))
    if kind == STRING:
        return layout.scalar(STRING, rng.choice(TEXTS))
    if kind != ARRAY:
        return _other_number(rng, kind)
    item = rng.choice((U32, I32, F32, BOOL))
    count = rng.choice((1, 2, 3, 4, 5, 22, 512, 513))
    return layout.array(item, [_other_number(rng, item).items()[0] for _ in range(count)])


# The result of these is sound GGUF, so that another way can follow.
SOUND: Tuple[Mutation, ...] = (
    *(numbers, more_keys, arrays_of_numbers) * 4,
    *(other_types, other_shapes) * 2,
    *(weights, remove_key, retype, splits, alignment, names_of_tensors, tensor_types),
)
TOKENIZER: Tuple[Mutation, ...] = (vocabulary, tokenizer_names, special_tokens, character_map) * 2
UNSOUND: Tuple[Mutation, ...] = (
    *(flip_header, flip_metadata, flip_tensor_infos, flip_data, insert_or_delete, truncate),
    *(append, counts, lengths, array_lengths, types, offsets, dimensions, double_key),
)


def mutate(seed: int, name: str, file: File, architectures: List[str]) -> Tuple[str, bytes]:
    """Spoils a file in one way, or in two; returns the ways' names and the content.

    Args:
        seed: of the case.
        name: of the file, so that the same seed does other things to other files.
        file: is not changed.
        architectures: names that rename_architecture() chooses from; none: it is not used.
    """
    rng = random.Random(f"{seed} {name}")

    def rename(rng: random.Random, file: File) -> File:
        return rename_architecture(rng, file, architectures)

    sound = [*SOUND, *[rename, rename][: len(architectures)]]
    if file.get(b"tokenizer.ggml.model") is not None:
        sound += TOKENIZER
    ways = [rng.choice(sound)] if rng.random() < 0.75 else []
    if not ways or rng.random() < 0.2:
        ways.append(rng.choice((*UNSOUND, rng.choice(sound))))
    mutated: Mutated = file
    for way in ways:
        mutated = way(rng, mutated)
    content = mutated if isinstance(mutated, bytes) else mutated.encoded()
    return "+".join(way.__name__ for way in ways), content


# ---- vocabularies


def with_vocabulary(file: File, model: str) -> File:
    """Returns a file with a small tokenizer of another kind: bert, gpt2, t5, rwkv, plamo2, test.

    It has as many tokens as the file's own.
    """
    n_tokens = file.get(b"tokenizer.ggml.tokens").count
    file = file.copy()
    file.keys = [pair for pair in file.keys if not pair[0].startswith(b"tokenizer.")]
    file.set(b"tokenizer.ggml.model", layout.scalar(STRING, model.encode()))
    for key, value in _VOCABULARIES[model](n_tokens).items():
        file.set(f"tokenizer.ggml.{key}".encode(), value)
    return file


def _padded(tokens: List[bytes], n_tokens: int) -> List[bytes]:
    return tokens + [b"w%d" % index for index in range(n_tokens - len(tokens))]


def _tokens(tokens: List[bytes], n_tokens: int) -> Dict[str, Value]:
    return {
        "tokens": layout.array(STRING, _padded(tokens, n_tokens)),
        "token_type": layout.array(I32, [1] * n_tokens),
        "scores": layout.array(F32, [-float(index) for index in range(n_tokens)]),
    }


def _bert(n_tokens: int) -> Dict[str, Value]:
    tokens = [b"[PAD]", b"[UNK]", b"[CLS]", b"[SEP]", b"[MASK]"]
    tokens += ["▁".encode() + bytes([code]) for code in range(33, 127)]
    tokens += [bytes([code]) for code in range(33, 127)]
    ids = {"bos": 2, "unknown": 1, "seperator": 3, "padding": 0, "mask": 4}
    numbered = {f"{key}_token_id": layout.scalar(U32, value) for key, value in ids.items()}
    return {**_tokens(tokens, n_tokens), **numbered}


def _gpt2(n_tokens: int) -> Dict[str, Value]:
    # The characters of bytes_to_unicode() of GPT-2's tokenizer.
    sound = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [256 + index for index in range(256 - len(sound))]
    tokens = [chr(code).encode() for code in sound + others]
    merges = [b"i n", b"t h", b"th e", "Ġ t".encode(), b"e r"]
    tokens += [merge.replace(b" ", b"") for merge in merges]
    return {
        **_tokens(tokens, n_tokens),
        "merges": layout.array(STRING, merges),
        "pre": layout.scalar(STRING, b"gpt-2"),
        "eos_token_id": layout.scalar(U32, n_tokens - 1),
        "bos_token_id": layout.scalar(U32, n_tokens - 1),
    }


def _t5(n_tokens: int) -> Dict[str, Value]:
    tokens = [b"<pad>", b"</s>", b"<unk>", "▁".encode(), "▁the".encode(), b"in"]
    tokens += [bytes([code]) for code in range(33, 127)]
    made = _tokens(tokens, n_tokens)
    made["token_type"] = layout.array(I32, [3, 3, 2] + [1] * (n_tokens - 3))
    # A trie that matches no byte, then one replacement text.
    made["precompiled_charsmap"] = layout.array(U8, [0, 4, 0, 0] + [0] * 1024 + [65, 0])
    return made


def _rwkv(n_tokens: int) -> Dict[str, Value]:
    return _tokens([b"\\x%02x" % code for code in range(256)], n_tokens)


def _plamo2(n_tokens: int) -> Dict[str, Value]:
    tokens = [b"<unk>", b"<bos>", b"<eos>", b"<pad>"] + [b"<0x%02X>" % code for code in range(256)]
    made = _tokens(tokens, n_tokens)
    made["token_type"] = layout.array(I32, [3] * 4 + [6] * 256 + [1] * (n_tokens - 260))
    return made


def _test(n_tokens: int) -> Dict[str, Value]:
    return _tokens([], n_tokens)


_VOCABULARIES: Dict[str, Callable[[int], Dict[str, Value]]] = {
    "bert": _bert,
    "gpt2": _gpt2,
    "t5": _t5,
    "rwkv": _rwkv,
    "plamo2": _plamo2,
    "test": _test,
}
VOCABULARIES = tuple(_VOCABULARIES)
