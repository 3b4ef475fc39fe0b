"""Embeddings and reranking, for :class:`llama_cpp.Llama`.

Texts are evaluated together, as many as fit into one batch, each as a sequence of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Tuple

import numpy as np

from . import llama_cpp
from ._completion import encode

if TYPE_CHECKING:
    from .llama import Llama


def embed(llama: Llama, texts: List[str], normalize: bool, truncate: bool) -> Tuple[List[Any], int]:
    """Return one result per text, and the number of tokens evaluated."""
    _require_embedding(llama)
    sequences = [
        _fit(llama, llama.tokenize(encode(text, "A text to embed")), truncate) for text in texts
    ]
    vectors = _evaluate(llama, sequences)
    if normalize:
        vectors = [_unit_length(vector) for vector in vectors]
    return [vector.tolist() for vector in vectors], sum(map(len, sequences))


def rank(llama: Llama, query: str, documents: List[str], truncate: bool) -> List[float]:
    """Return the score of each document for `query`."""
    _require_embedding(llama)
    if llama._context().pooling_type != llama_cpp.LLAMA_POOLING_TYPE_RANK:
        raise RuntimeError(
            "rank() needs a reranking model, created with"
            " Llama(..., embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_RANK)"
        )
    pairs = [_fit(llama, _pair(llama, query, document), truncate) for document in documents]
    return [float(scores[0]) for scores in _evaluate(llama, pairs)]


def _require_embedding(llama: Llama) -> None:
    llama._context()
    if not llama.context_params.embeddings:
        raise RuntimeError("Llama model must be created with embedding=True to call this method")
    llama._refuse_encoder_decoder()


def _pair(llama: Llama, query: str, document: str) -> List[int]:
    """Query and document as the model was trained to see them."""
    template = llama._model.chat_template("rerank")
    if template:
        text = template.replace("{query}", query).replace("{document}", document)
        return llama.tokenize(encode(text, "The query or document"), add_bos=True, special=True)
    model = llama._model
    eos = model.token_eos if model.token_eos >= 0 else model.token_sep
    parts = [encode(query, "The query"), encode(document, "A document")]
    question, answer = (llama.tokenize(part, add_bos=False) for part in parts)
    return [
        *([model.token_bos] if model.add_bos else []),
        *question,
        *([eos] if model.add_eos else []),
        *([model.token_sep] if model.add_sep else []),
        *answer,
        *([eos] if model.add_eos else []),
    ]


def _fit(llama: Llama, tokens: List[int], truncate: bool) -> List[int]:
    if not tokens:
        raise ValueError("There is nothing to embed: a text has no tokens")
    if len(tokens) > llama.n_batch and not truncate:
        raise ValueError(
            f"Requested tokens ({len(tokens)}) exceed batch size of {llama.n_batch}\n"
            "Shorten the text, create the model with a larger n_batch, or use truncate=True."
        )
    return tokens[: llama.n_batch]


def _evaluate(llama: Llama, sequences: List[List[int]]) -> List[np.ndarray]:
    """Evaluate every sequence; returns a vector each, or a matrix with pooling type NONE."""
    results: List[np.ndarray] = []
    llama.reset()
    try:
        for batch in _batches(sequences, llama.n_batch, llama.context_params.n_seq_max):
            # Of all sequences: this batch may have fewer than the one before.
            llama._context().memory_clear(False)
            results.extend(_evaluate_batch(llama, batch))
    finally:
        llama._forget()
    return results


def _batches(sequences: List[List[int]], n_tokens: int, n_sequences: int):
    """Split into batches of at most `n_tokens` tokens and `n_sequences` sequences, in order."""
    batch: List[List[int]] = []
    used = 0
    for tokens in sequences:
        if batch and (used + len(tokens) > n_tokens or len(batch) == n_sequences):
            yield batch
            batch, used = [], 0
        batch.append(tokens)
        used += len(tokens)
    if batch:
        yield batch


def _evaluate_batch(llama: Llama, batch: List[List[int]]) -> List[np.ndarray]:
    ctx = llama._context()
    ctx.decode_sequences(batch, True)
    if ctx.pooling_type != llama_cpp.LLAMA_POOLING_TYPE_NONE:
        return [ctx.embeddings_seq(sequence) for sequence in range(len(batch))]
    ends = np.cumsum([len(tokens) for tokens in batch])
    return np.split(ctx.embeddings_all(), ends[:-1])


def _unit_length(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length == 0, 1, length)
