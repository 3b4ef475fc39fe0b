"""Every architecture of tests/models/architectures: the checks of checks.py.

Two ways to the same logits differ by the order of float32 sums: keys, values and weights are
float32, too. The error is the largest difference in units of the logits' standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import checks
import numpy as np
import pytest
from architectures import ARCHITECTURES, Kind
from t5_native import Translator

import llama_cpp

# Sums of some hundred float32 products differ by 1e-6, and layers make more of it: 3.5e-5 is seen.
EXACT = 3e-4
# GELU is taken from a table of float16: a value that differs by 1e-7 falls on the other side of a
# rounding boundary now and then and is off by 2**-11. 3e-3 is seen.
GELU = 1e-2

TEXT = "the quick brown fox jumps over the lazy dog and the light; 12 <x>"
TEXTS = [TEXT, "fox", "the dog and the light " * 12]
# More than the cells of a small cache for a window (256), and than a delta net's chunk (64 tokens).
LENGTH = 300
# Keys of models that have a state in place of some keys and values.
STATES = ("ssm.", "wkv.", "shortconv.", "attention.compress_ratios")
F32_CACHE = {"type_k": 0, "type_v": 0}  # GGML_TYPE_F32

Load = Callable[..., Any]
Open = Callable[..., Any]


def each(check: str) -> pytest.MarkDecorator:
    """Parametrises a test over the architectures of a check; known faults of upstream must fail."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(
                name,
                marks=[
                    pytest.mark.xfail(strict=True, raises=fault.error, reason=fault.cause)
                    for key, fault in checks.FAULTS.items()
                    if key == (name, check)
                ],
            )
            for name in checks.names(check)
        ],
    )


@pytest.fixture
def open_model(load: Load, architectures_dir: Path) -> Open:
    """Returns a function that loads an architecture's model, for logits of every position."""

    def open_model(name: str, **options: Any) -> Any:
        options = {"n_ctx": 512, "logits_all": True, **F32_CACHE, **options}
        llm = load(str(architectures_dir / f"{name}.gguf"), **options)
        # Rows are kept from the first look at them on; those before are computed again, at once.
        assert len(llm.scores) > 0
        return llm

    return open_model


def memories(name: str) -> list[dict[str, Any]]:
    """Returns the options of memories that forget in different ways."""
    keys = ARCHITECTURES[name].keys
    found: list[dict[str, Any]] = [{}]
    if "attention.sliding_window" in keys:
        # Tokens that have left the window are forgotten.
        found.append({"swa_full": False, "n_ubatch": 32})
    if any(key.startswith(STATES) for key in keys):
        # The states before the last tokens are kept, so that these can be taken back.
        found.append({"n_rs_seq": 12})
    return found


def tokens_of(seed: int, count: int) -> list[int]:
    return [int(token) for token in np.random.default_rng(seed).integers(4, 500, count)]


def evaluate(llm: Any, tokens: Sequence[int], step: int) -> Any:
    """Returns the logits (tokens, vocabulary), ``step`` tokens a call."""
    llm.reset()
    for start in range(0, len(tokens), step):
        llm.eval(tokens[start : start + step])
    return np.array(llm.scores[: len(tokens)])


def assert_close(name: str, found: Any, expected: Any, deviation: float | None = None) -> None:
    """Compares in units of ``deviation``, by default that of ``expected``."""
    assert np.isfinite(expected).all()
    unit = np.std(expected) if deviation is None else deviation
    assert unit > 0.05, "the model does not distinguish tokens"
    error = np.abs(np.asarray(found) - expected).max() / unit
    print(f"{name}: error {error:.1e}")
    assert error < (GELU if ARCHITECTURES[name].gelu else EXACT)


def last_logits(llm: Any, tokens: Sequence[int]) -> Any:
    """Returns the logits after a prompt, as generate() evaluates it: with its known beginning."""
    generator = llm.generate(tokens, temp=0.0)
    next(generator)
    generator.close()
    return np.array(llm.scores[len(tokens) - 1])


@each("load")
def test_load(open_model: Open, name: str) -> None:
    """The vocabulary is of the kind that the table names."""
    model = ARCHITECTURES[name]
    llm = open_model(name, embedding=model.kind is Kind.ENCODER)
    assert llm.metadata["general.architecture"] == model.gguf_name
    tokens = llm.tokenize(TEXT.encode())
    back = llm.detokenize(tokens).decode()
    if model.vocabulary.name == "WPM":
        back = back.replace(" ; ", "; ").replace("< x >", "<x>")
    assert back.strip() == TEXT
    assert len(set(tokens)) > 10


@each("batch")
def test_batch(open_model: Open, name: str) -> None:
    """One batch, batches of 32, micro-batches, and token by token."""
    tokens = tokens_of(1, LENGTH)
    llm = open_model(name)
    if ARCHITECTURES[name].kind is Kind.ENCODER_DECODER:
        translator = Translator(llm, tokens_of(2, 40))
        whole = translator.decode(tokens)
        translator.restart()
        single = np.concatenate([translator.decode([token]) for token in tokens])
        assert_close(name, single, whole)
        return
    whole = evaluate(llm, tokens, LENGTH)
    for options in memories(name):
        other = open_model(name, **options)
        assert_close(name, evaluate(other, tokens, 1), whole)
        assert_close(name, evaluate(other, tokens, 32), whole)
    assert_close(name, evaluate(open_model(name, n_ubatch=48), tokens, LENGTH), whole)


@each("prefix")
def test_prefix(open_model: Open, name: str) -> None:
    """Prompts that share more or less than a window, that shorten, and that lengthen another."""
    common = tokens_of(1, LENGTH)
    prompts = [
        common,
        common[:-6] + tokens_of(2, 9),
        common[:40] + tokens_of(3, 60),
        common[:30],
        common[:30] + tokens_of(4, 20),
        common[:30] + tokens_of(4, 20),
    ]
    expected = [last_logits(open_model(name), prompt) for prompt in prompts]
    for options in memories(name):
        used = open_model(name, **options)
        for prompt, logits in zip(prompts, expected):
            assert_close(name, last_logits(used, prompt), logits)


@each("state")
def test_state(open_model: Open, name: str) -> None:
    """Goes back to a state, and takes one over into a fresh object."""
    prompt, more, other = tokens_of(1, 290), tokens_of(2, 10), tokens_of(3, 70)
    longer = prompt + more + other
    plain = open_model(name)
    expected = evaluate(plain, longer, len(longer))
    after = slice(len(prompt), len(prompt + more))
    for options in memories(name):
        llm = open_model(name, **options)
        llm.eval(prompt)
        state = llm.save_state()
        llm.eval(other)
        for target in (llm, open_model(name, **options)):
            target.load_state(state)
            assert target.n_tokens == len(prompt)
            target.eval(more)
            assert_close(name, target.scores[after], expected[after])
            # A prompt that goes on from the loaded tokens evaluates the rest alone.
            assert_close(name, last_logits(target, longer), expected[-1])


@each("second")
def test_second(open_model: Open, name: str) -> None:
    llm = open_model(name)
    expected = Translator(llm, tokens_of(2, 20)).decode([0, 5])
    translator = Translator(llm, tokens_of(1, 40))
    translator.decode([0, 5, 6])
    translator.encode(tokens_of(2, 20))
    translator.restart()
    assert_close(name, translator.decode([0, 5]), expected)


@each("generate")
def test_generate(open_model: Open, name: str) -> None:
    prompt = tokens_of(1, 40)
    llm = open_model(name)
    if ARCHITECTURES[name].kind is Kind.ENCODER_DECODER:
        runs = [greedy(Translator(llm, prompt)) for _ in range(2)]
        assert runs[0] == runs[1]
        assert greedy(Translator(llm, tokens_of(2, 40))) != runs[0], "the source does not matter"
        return
    runs = []
    for _ in range(2):
        llm.reset()
        runs.append([token for token, _ in zip(llm.generate(prompt, temp=0.0), range(24))])
    assert runs[0] == runs[1]
    logits = evaluate(llm, prompt + runs[0], len(prompt + runs[0]))[len(prompt) - 1 : -1]
    chosen = np.take_along_axis(logits, np.array(runs[0])[:, None], axis=1)[:, 0]
    assert_close(name, chosen, logits.max(axis=1), float(logits.std()))


def greedy(translator: Translator) -> list[int]:
    """Returns 12 tokens, of which each is the most likely one after those before it."""
    translator.restart()
    tokens = [0]  # the token that the decoder starts with
    for _ in range(12):
        tokens.append(int(translator.decode(tokens[-1:])[0].argmax()))
    return tokens[1:]


@each("embed")
def test_embed(open_model: Open, name: str) -> None:
    """Texts together, alone, and in another object; the mean is that of the tokens' vectors."""

    def embedder(pooling: int = llama_cpp.LLAMA_POOLING_TYPE_MEAN) -> Any:
        return open_model(name, embedding=True, logits_all=False, pooling_type=pooling)

    llm = embedder()
    together = np.array(llm.embed(TEXTS))
    alone = np.array([llm.embed(text) for text in TEXTS])
    fresh = np.array([embedder().embed(text) for text in reversed(TEXTS)])[::-1]
    assert_close(name, together, alone)
    assert_close(name, fresh, alone)
    tokens = embedder(llama_cpp.LLAMA_POOLING_TYPE_NONE)
    assert_close(name, [np.mean(tokens.embed(text), axis=0) for text in TEXTS], alone)
    assert np.abs(alone[0] - alone[1]).max() > 0.1, "the text does not matter"
