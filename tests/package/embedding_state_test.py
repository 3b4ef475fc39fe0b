"""Row 11 of the faults: nothing of one call is left for the next one.

Every vector must equal that of the text alone, in a Llama of its own, whatever was evaluated
before.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

import llama_cpp

# Kernels for few and for many rows sum in different orders: of the activations' rounding, which is
# float16 here, 4e-4 of a vector's length is seen. A text with another's tokens is off by 0.1.
TOLERANCE = 3e-3
PROMPT = "In the beginning God created"


def random_texts(count: int, longest: int, seed: int = 11) -> list[str]:
    generator = random.Random(seed)
    return [
        " ".join(f"w{generator.randrange(100)}" for _ in range(generator.randint(1, longest)))
        for _ in range(count)
    ]


@pytest.fixture(scope="module")
def model(random_models):
    """Returns a decoder with a cache: a Llama whose texts get a vector by mean pooling."""
    return random_models / "embedding-f16.gguf"


@pytest.fixture(scope="module")
def alone(load, model):
    """Vectors of one text at a time, each in an empty context."""
    known = {}
    llm = load(model, embedding=True)

    def vectors(texts):
        for text in texts:
            if text not in known:
                tokens = llm.tokenize(text.encode())[: llm.n_batch]
                llm.ctx.memory_clear(True)
                llm.ctx.decode(tokens, 0, outputs=llama_cpp._core.Outputs.ALL)
                known[text] = llm.ctx.embeddings_seq(0)
        return np.array([known[text] for text in texts])

    return vectors


def assert_same(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    lengths = np.linalg.norm(expected, axis=-1)
    assert (np.linalg.norm(found - expected, axis=-1) / lengths).max() < TOLERANCE


@pytest.mark.parametrize("n_batch", [512, 64])
def test_300_texts_of_unequal_length(load, model, alone, n_batch):
    """Texts of the case in the table; with a small batch also many more batches."""
    texts = random_texts(300, longest=15)
    llm = load(model, embedding=True, n_batch=n_batch)
    assert_same(llm.embed(texts), alone(texts))
    assert_same(llm.embed(texts[::-1]), alone(texts[::-1]))


def test_many_short_texts_then_a_long_one(load, model, alone):
    """As many sequences as there are ids, then one that needs the whole context."""
    llm = load(model, embedding=True)
    short, long = random_texts(256, longest=1), random_texts(1, longest=1)[0] + " heaven" * 100
    assert len(llm.tokenize(long.encode())) > llm.n_batch // 2
    for texts in ([*short, long, long], [long, *short, long]):
        assert_same(llm.embed(texts), alone(texts))


def test_another_pooling_and_attention(load, model):
    texts = random_texts(40, longest=15)
    for pooling in (llama_cpp.LLAMA_POOLING_TYPE_LAST, llama_cpp.LLAMA_POOLING_TYPE_NONE):
        for attention in (
            llama_cpp.LLAMA_ATTENTION_TYPE_CAUSAL,
            llama_cpp.LLAMA_ATTENTION_TYPE_NON_CAUSAL,
        ):
            llm = load(
                model,
                embedding=True,
                pooling_type=pooling,
                attention_type=attention,
                n_batch=100,
            )
            for found, text in zip(llm.embed(texts), texts):
                assert_same(np.atleast_2d(found), np.atleast_2d(llm.embed(text)))


def test_text_longer_than_a_batch(load, model, alone):
    llm = load(model, embedding=True, n_batch=32)
    texts = random_texts(20, longest=8)
    long = " ".join(texts)
    whole = llm.embed([*texts, long, *texts])  # cut to n_batch tokens
    assert_same(whole[:20], alone(texts))
    assert_same(whole[21:], alone(texts))
    cut = llm.detokenize(llm.tokenize(long.encode())[:32]).decode()
    assert_same(whole[20:21], alone([cut]))
    with pytest.raises(ValueError, match="exceed batch size of 32"):
        llm.embed([*texts, long], truncate=False)
    assert_same(llm.embed(texts, truncate=False), alone(texts))


def test_generating_and_embedding_take_turns(load, model, alone):
    llm = load(model, embedding=True)
    texts = random_texts(60, longest=15)

    def generated():
        return llm(PROMPT, max_tokens=8, temperature=0)["choices"][0]["text"]

    expected = load(model, embedding=True)(PROMPT, max_tokens=8, temperature=0)
    for _ in range(2):
        assert generated() == expected["choices"][0]["text"]
        assert_same(llm.embed(texts), alone(texts))
    stream = llm(PROMPT, max_tokens=8, temperature=0, stream=True)
    next(stream)
    assert_same(llm.embed(texts[:3]), alone(texts[:3]))
    with pytest.raises(llama_cpp.OvertakenError):
        list(stream)


def test_embedding_between_saving_and_loading_a_state(load, model, alone):
    llm = load(model, embedding=True)
    tokens = llm.tokenize(PROMPT.encode())
    llm.eval(tokens)
    expected = next(llm.generate(tokens, temp=0))
    state = llm.save_state()
    texts = random_texts(60, longest=15)
    assert_same(llm.embed(texts), alone(texts))
    llm.load_state(state)
    assert llm.n_tokens == len(tokens)
    assert next(llm.generate(tokens, temp=0)) == expected
    assert_same(llm.embed(texts), alone(texts))


@pytest.mark.parametrize("error", [llama_cpp.AbortedError, KeyboardInterrupt])
def test_after_a_failure_in_the_middle(load, model, alone, monkeypatch, error):
    from llama_cpp._engine import embedding

    llm = load(model, embedding=True, n_batch=64)
    texts = random_texts(60, longest=15)
    evaluate, calls = embedding._evaluate_batch, []

    def failing(llama, batch):
        calls.append(len(batch))
        if len(calls) == 3:
            if error is KeyboardInterrupt:
                raise KeyboardInterrupt
            llama.ctx.abort()
        return evaluate(llama, batch)

    monkeypatch.setattr(embedding, "_evaluate_batch", failing)
    with pytest.raises(error):
        llm.embed(texts)
    assert llm.n_tokens == 0 and all(llm.ctx.seq_pos_max(i) == -1 for i in range(64))
    assert_same(llm.embed(texts), alone(texts))


def test_ranking_after_embedding_and_generating(load, model):
    llm = load(model, embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_RANK)
    # The model has no classification head, so only one document at a time has a score.
    documents = random_texts(4, longest=15)
    expected = [llm.rank("query", [document]) for document in documents]
    llm.embed("w1 " * 20)
    llm(PROMPT, max_tokens=3)
    assert [llm.rank("query", [document]) for document in documents[::-1]] == expected[::-1]
