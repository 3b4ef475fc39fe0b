"""Embeddings and reranking."""

from __future__ import annotations

import numpy as np
import pytest

import llama_cpp

# The model's values are near 1, and its products take F16: 11 bits, so 5e-4 in each rounding. Sums
# of a batch of another size have another order, and round to the other side here and there.
ROUNDED = {"rtol": 1e-3, "atol": 1e-3}
TEXTS = ["In the beginning", "God created the heaven and the earth", "darkness"]


@pytest.fixture(scope="module")
def embedder(load, random_models):
    return load(random_models / "embedding-f16.gguf", embedding=True)


def with_pooling(load, random_models, name, **arguments):
    pooling = getattr(llama_cpp, f"LLAMA_POOLING_TYPE_{name}")
    path = random_models / "embedding-f16.gguf"
    return load(path, embedding=True, pooling_type=pooling, **arguments)


def test_one_text(embedder):
    vector = embedder.embed(TEXTS[0])
    assert len(vector) == embedder.n_embd() and all(isinstance(x, float) for x in vector)
    assert embedder.pooling_type() == llama_cpp.LLAMA_POOLING_TYPE_MEAN


def test_texts_together_are_as_alone(embedder):
    alone = [embedder.embed(text) for text in TEXTS]
    np.testing.assert_allclose(embedder.embed(TEXTS), alone, **ROUNDED)
    backwards = embedder.embed(TEXTS[::-1])
    np.testing.assert_allclose(backwards[::-1], alone, **ROUNDED)


def test_more_texts_than_fit_into_a_batch(load, random_models, embedder):
    small = load(random_models / "embedding-f16.gguf", embedding=True, n_batch=40)
    texts = TEXTS * 7
    np.testing.assert_allclose(
        small.embed(texts), [embedder.embed(text) for text in texts], **ROUNDED
    )


def test_normalize(embedder):
    plain = np.array(embedder.embed(TEXTS[0]))
    unit = embedder.embed(TEXTS[0], normalize=True)
    assert np.linalg.norm(unit) == pytest.approx(1)
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain), rtol=1e-5)


def test_count(embedder):
    vectors, count = embedder.embed(TEXTS, return_count=True)
    assert len(vectors) == 3
    assert count == sum(len(embedder.tokenize(text.encode())) for text in TEXTS)


def test_no_texts(embedder):
    assert embedder.embed([]) == []


def test_create_embedding(embedder):
    response = embedder.create_embedding(TEXTS, model="m")
    assert response["object"] == "list" and response["model"] == "m"
    assert [entry["index"] for entry in response["data"]] == [0, 1, 2]
    assert {entry["object"] for entry in response["data"]} == {"embedding"}
    assert response["data"][1]["embedding"] == embedder.embed(TEXTS)[1]
    assert response["usage"]["prompt_tokens"] == response["usage"]["total_tokens"] > 0
    assert len(embedder.create_embedding("one")["data"]) == 1


def test_pooling_none_gives_a_vector_per_token(load, random_models, embedder):
    llm = with_pooling(load, random_models, "NONE")
    first, second = llm.embed(TEXTS[:2])
    for vectors, text in ((first, TEXTS[0]), (second, TEXTS[1])):
        assert len(vectors) == len(llm.tokenize(text.encode()))
        assert len(vectors[0]) == llm.n_embd()
    np.testing.assert_allclose(np.mean(first, axis=0), embedder.embed(TEXTS[0]), atol=1e-3)
    lengths = np.linalg.norm(llm.embed(TEXTS[0], normalize=True), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_pooling_cls_and_last(load, random_models):
    tokens = with_pooling(load, random_models, "NONE").embed(TEXTS[1])
    first = with_pooling(load, random_models, "CLS").embed(TEXTS[1])
    last = with_pooling(load, random_models, "LAST").embed(TEXTS[1])
    np.testing.assert_allclose(first, tokens[0], atol=1e-3)
    np.testing.assert_allclose(last, tokens[-1], atol=1e-3)


def test_truncation(load, random_models):
    llm = load(random_models / "embedding-f16.gguf", embedding=True, n_batch=8)
    text = " ".join(["heaven"] * 50)
    assert len(llm.tokenize(text.encode())) > 8
    _, count = llm.embed(text, return_count=True)
    assert count == 8
    with pytest.raises(ValueError, match=r"Requested tokens \(\d+\) exceed batch size of 8"):
        llm.embed(text, truncate=False)


def test_needs_embedding(llm):
    with pytest.raises(RuntimeError, match="embedding=True"):
        llm.embed("text")


def test_invalid_text(embedder):
    with pytest.raises(llama_cpp.TokenizeError, match="DC80"):
        embedder.embed("\udc80")


def test_rank_needs_a_ranking_model(embedder):
    with pytest.raises(RuntimeError, match="RANK"):
        embedder.rank("query", ["document"])


def test_rank(load, random_models):
    llm = with_pooling(load, random_models, "RANK")
    # The random model has no classification head, so only one document at a time has a score.
    scores = [llm.rank("Who made the heaven?", [text]) for text in TEXTS]
    assert all(len(score) == 1 and isinstance(score[0], float) for score in scores)
    assert len({score[0] for score in scores}) == 3
    assert llm.rank("Another question", TEXTS[:1]) != scores[0]
    assert llm.rank("query", []) == []


def test_rank_of_a_reranking_model(load, random_models):
    """Its pooling is the file's; documents together have the scores that each has alone."""
    llm = load(random_models / "reranker-f16.gguf", embedding=True)
    assert llm.pooling_type() == llama_cpp.LLAMA_POOLING_TYPE_RANK
    together = llm.rank("Who made the heaven?", TEXTS)
    alone = [llm.rank("Who made the heaven?", [text])[0] for text in TEXTS]
    assert together == pytest.approx(alone, abs=ROUNDED["atol"])
    assert len(set(together)) == len(TEXTS)


def test_rank_pairs_query_and_document(load, random_models):
    from llama_cpp._engine import embedding

    llm = with_pooling(load, random_models, "RANK")
    pair = embedding._pair(llm._session, "query", "document")
    query, document = (llm.tokenize(text, add_bos=False) for text in (b"query", b"document"))
    assert pair == [llm.token_bos(), *query, *document]  # this model wants no EOS and no SEP
