"""Logits of the installed llama_cpp equal those of the NumPy reference.

comparison.py explains the tolerances. The last tests break one thing at a time and assert that the
same tolerances notice it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import reference_llama
from comparison import (
    BATCH,
    F32_CACHE,
    TOLERANCES,
    batch_options,
    errors,
    evaluate,
    expected_batch,
    random_prompt,
    short_prompt_errors,
    verdict,
)
from gguf import GGMLQuantizationType
from reference_llama import ReferenceLlama

import llama_cpp

TYPES = sorted(TOLERANCES)


def load(path: Path, n_threads: int = 1, **options: Any) -> llama_cpp.Llama:
    return llama_cpp.Llama(
        str(path),
        n_ctx=256,
        # On a busy machine threads that wait for each other take most of the time.
        n_threads=n_threads,
        n_threads_batch=n_threads,
        logits_all=True,
        verbose=False,
        **options,
    )


def with_f32_cache(path: Path) -> tuple[llama_cpp.Llama, ReferenceLlama]:
    return load(path, **F32_CACHE), ReferenceLlama(path, cache=GGMLQuantizationType.F32)


@pytest.mark.parametrize("qtype", TYPES)
def test_short_prompts(models_dir: Path, qtype: str) -> None:
    found = short_prompt_errors(*with_f32_cache(models_dir / f"llama-{qtype}.gguf"))
    print(f"{qtype}: median error {np.median(found):.1e}, largest {found.max():.1e}")
    assert verdict(found, TOLERANCES[qtype]) is None


@pytest.mark.parametrize(
    ("step", "n_threads"), [(None, 2), (1, 1)], ids=["batches-of-64", "token-by-token"]
)
@pytest.mark.parametrize("qtype", TYPES)
def test_long_prompt(models_dir: Path, qtype: str, step: int | None, n_threads: int) -> None:
    """Positions up to 200, the default cache, and both ways to get there."""
    path = models_dir / f"llama-{qtype}.gguf"
    llm = load(path, n_threads=n_threads, n_batch=64)
    prompt = random_prompt(200, llm.n_vocab(), seed=100)
    found = errors(evaluate(llm, prompt, step), ReferenceLlama(path).logits(prompt))
    print(f"{qtype}: median error {np.median(found):.1e}, largest {found.max():.1e}")
    # The cache rounds keys and values to float16, so float32 weights are no better than float16.
    assert found.max() <= max(TOLERANCES[qtype].worst, TOLERANCES["f16"].worst)


@pytest.mark.parametrize("step", [None, 1], ids=["one-batch", "token-by-token"])
@pytest.mark.parametrize("name", ["llama-f32", "tied-f32"])
def test_every_position_in_float32(models_dir: Path, name: str, step: int | None) -> None:
    """All in float32 there are no rounding boundaries: the tight bound holds at any length."""
    llm, reference = with_f32_cache(models_dir / f"{name}.gguf")
    prompt = random_prompt(100, llm.n_vocab(), seed=101)
    found = errors(evaluate(llm, prompt, step), reference.logits(prompt))
    print(f"{name}: largest error {found.max():.1e}")
    assert found.max() <= TOLERANCES["f32"].worst


def test_trained_model(trained_model: Path) -> None:
    """On real text the probabilities agree, and so do the most likely tokens."""
    llm = load(trained_model)
    tokens = llm.tokenize(b"In the beginning God created the heaven and the earth.\nAnd the earth")
    actual = reference_llama.softmax(evaluate(llm, tokens).astype(np.float64))
    expected = reference_llama.softmax(ReferenceLlama(trained_model).logits(tokens))
    print(f"largest difference of a probability: {np.abs(actual - expected).max():.4f}")
    assert np.abs(actual - expected).max() < 0.02
    best_two = np.sort(expected, axis=1)[:, -2:]
    clear = best_two[:, 1] - best_two[:, 0] > 0.04
    assert clear.sum() > len(tokens) / 2
    assert (actual.argmax(axis=1) == expected.argmax(axis=1))[clear].all()


def test_control_vector(models_dir: Path, tmp_path: Path) -> None:
    """Two files with strengths: their sum is added after the second layer, layer 1."""
    llm, reference = with_f32_cache(models_dir / "llama-f32.gguf")
    directions = np.random.default_rng(1).standard_normal((2, 768), np.float32)
    files = {}
    for index, (strength, direction) in enumerate(zip((0.5, -2.0), directions)):
        path = tmp_path / f"{index}.gguf"
        writer = gguf.GGUFWriter(path, "controlvector")
        writer.add_tensor("direction.1", direction)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        files[str(path)] = strength
    prompt = random_prompt(8, llm.n_vocab(), seed=1)
    plain = reference.logits(prompt)
    reference.directions[1] = 0.5 * directions[0] - 2.0 * directions[1]
    llm.load_control_vector(files)
    assert errors(evaluate(llm, prompt), reference.logits(prompt)).max() < TOLERANCES["f32"].worst
    llm.clear_control_vector()
    assert errors(evaluate(llm, prompt), plain).max() < TOLERANCES["f32"].worst


@pytest.mark.parametrize("qtype", TYPES)
def test_many_sequences_in_one_batch(models_dir: Path, qtype: str) -> None:
    path = models_dir / f"llama-{qtype}.gguf"
    llm = llama_cpp.Llama(str(path), verbose=False, **batch_options(n_threads=2))
    reference = ReferenceLlama(path, cache=GGMLQuantizationType.F32)
    found = errors(np.array(llm.embed(BATCH)), expected_batch(llm, reference))
    print(f"{qtype}: median error {np.median(found):.1e}, largest {found.max():.1e}")
    assert verdict(found, TOLERANCES[qtype]) is None


def test_embedding_is_the_mean_of_the_hidden_states(models_dir: Path) -> None:
    path = models_dir / "embedding-f16.gguf"
    llm = llama_cpp.Llama(str(path), n_ctx=256, embedding=True, verbose=False)
    assert llm.pooling_type() == llama_cpp.LLAMA_POOLING_TYPE_MEAN
    text = "And God said, Let there be light"
    expected = ReferenceLlama(path).hidden(llm.tokenize(text.encode())).mean(axis=0)
    found = errors(np.array([llm.embed(text)]), expected[None])
    print(f"largest error {found.max():.1e}")
    assert found.max() <= TOLERANCES["f16"].worst


# Do the tolerances notice a mistake? --------------------------------------------------------


@pytest.mark.parametrize("qtype", TYPES)
def test_one_block_of_wrong_weights_is_noticed(
    models_dir: Path, tmp_path: Path, qtype: str
) -> None:
    """32 weights of one matrix (of 786,432) get the wrong sign, as with one bad SIMD lane."""
    original = models_dir / f"llama-{qtype}.gguf"
    broken = tmp_path / original.name
    shutil.copyfile(original, broken)
    negate_first_weights(broken, "blk.0.ffn_down.weight")
    found = short_prompt_errors(
        load(broken, **F32_CACHE), ReferenceLlama(original, cache=GGMLQuantizationType.F32)
    )
    print(f"{qtype}: median error {np.median(found):.1e}, largest {found.max():.1e}")
    assert verdict(found, TOLERANCES[qtype]) is not None


def test_one_wrong_weight_is_noticed(models_dir: Path, tmp_path: Path) -> None:
    original = models_dir / "llama-f32.gguf"
    broken = tmp_path / original.name
    shutil.copyfile(original, broken)
    negate_first_weights(broken, "blk.0.ffn_down.weight", count=1)
    found = short_prompt_errors(
        load(broken, **F32_CACHE), ReferenceLlama(original, cache=GGMLQuantizationType.F32)
    )
    assert verdict(found, TOLERANCES["f32"]) is not None


@pytest.mark.parametrize("qtype", TYPES)
def test_a_position_off_by_one_is_noticed(models_dir: Path, qtype: str) -> None:
    llm, reference = with_f32_cache(models_dir / f"llama-{qtype}.gguf")
    prompt = random_prompt(12, llm.n_vocab(), seed=102)
    # Only differences of positions matter, so move all tokens but the first.
    positions = [0, *range(2, len(prompt) + 1)]
    found = errors(evaluate(llm, prompt), reference.logits(prompt, positions))
    assert verdict(found, TOLERANCES[qtype]) is not None


@pytest.mark.parametrize("qtype", TYPES)
@pytest.mark.parametrize("mistake", ["rope_pairs", "head_groups", "no_causal_mask"])
def test_a_wrong_attention_is_noticed(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, qtype: str, mistake: str
) -> None:
    llm, reference = with_f32_cache(models_dir / f"llama-{qtype}.gguf")
    prompt = random_prompt(12, llm.n_vocab(), seed=103)
    logits = evaluate(llm, prompt)
    MISTAKES[mistake](monkeypatch)
    found = errors(logits, reference.logits(prompt))
    assert verdict(found, TOLERANCES[qtype]) is not None


def rope_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Element i paired with i + width / 2, which other architectures do."""
    right = reference_llama.rotate

    def wrong(heads: Any, positions: Any, base: float) -> Any:
        width = heads.shape[-1]
        order = np.arange(width).reshape(2, width // 2).T.ravel()
        return right(heads[..., order], positions, base)[..., np.argsort(order)]

    monkeypatch.setattr(reference_llama, "rotate", wrong)


def head_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Query head h reading key/value head h mod count, instead of h // group."""

    def wrong(heads: Any, group: int, axis: int) -> Any:
        return np.tile(heads, (group, 1, 1))

    monkeypatch.setattr(np, "repeat", wrong)


def no_causal_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "triu", lambda mask, k: np.zeros_like(mask))


MISTAKES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "rope_pairs": rope_pairs,
    "head_groups": head_groups,
    "no_causal_mask": no_causal_mask,
}


def negate_first_weights(path: Path, tensor_name: str, count: int = 32) -> None:
    """Negates the first weights of a tensor in the file.

    Quantised types keep 32 weights under one scale, whose sign is changed; ``count`` is for the
    others. Q4_K has unsigned scales: there the first 32 weights lose their scale instead.
    """
    reader = gguf.GGUFReader(path, "r+")
    (tensor,) = [t for t in reader.tensors if t.name == tensor_name]
    if tensor.tensor_type in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
        tensor.data.reshape(-1)[:count] *= -1
    elif tensor.tensor_type == GGMLQuantizationType.Q4_K:
        # Bytes 0-3 are the units of scales and offsets, byte 4 is the first sub-block's scale.
        tensor.data.reshape(-1)[4] &= 0xC0
    else:
        tensor.data.reshape(-1)[:2].view(np.float16)[0] *= -1
    reader.data.flush()
