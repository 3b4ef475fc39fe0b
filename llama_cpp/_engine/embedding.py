"""Embeddings and reranking, of a Session.

Texts are evaluated together, as many as fit into one batch, each as a sequence of its own.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Tuple

from .._capi import constants
from .._numpy import np
from .adapters import Choice
from .prompt import encode
from .session import Session


def embed(
    session: Session, texts: List[str], normalize: bool, truncate: bool, adapters: Choice
) -> Tuple[List[Any], int]:
    """Returns one result per text, and the number of tokens evaluated."""
    _require_embedding(session)
    sequences = [
        _fit(
            session,
            session.tokenizer.tokenize(encode(text, "A text to embed"), True, False),
            truncate,
        )
        for text in texts
    ]
    vectors = _evaluate(session, sequences, adapters)
    if normalize:
        vectors = [_unit_length(vector) for vector in vectors]
    return [vector.tolist() for vector in vectors], sum(map(len, sequences))


def rank(
    session: Session, query: str, documents: List[str], truncate: bool, adapters: Choice
) -> List[float]:
    """Returns the score of each document for `query`."""
    _require_embedding(session)
    if session.context().pooling_type != constants.LLAMA_POOLING_TYPE_RANK:
        raise RuntimeError(
            "rank() needs a reranking model, created with"
            " Llama(..., embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_RANK)"
        )
    pairs = [_fit(session, _pair(session, query, document), truncate) for document in documents]
    return [float(scores[0]) for scores in _evaluate(session, pairs, adapters)]


def _require_embedding(session: Session) -> None:
    session.context()
    if not session.embedding:
        raise RuntimeError("Llama model must be created with embedding=True to call this method")
    session.refuse_encoder_decoder()


def _pair(session: Session, query: str, document: str) -> List[int]:
    """Returns the tokens of query and document in the form that the model was trained with."""
    template = session.model.chat_template("rerank")
    if template:
        text = template.replace("{query}", query).replace("{document}", document)
        return session.tokenizer.tokenize(encode(text, "The query or document"), True, True)
    model = session.model
    eos = model.token_eos if model.token_eos >= 0 else model.token_sep
    parts = [encode(query, "The query"), encode(document, "A document")]
    question, answer = (session.tokenizer.tokenize(part, False, False) for part in parts)
    return [
        *([model.token_bos] if model.add_bos else []),
        *question,
        *([eos] if model.add_eos else []),
        *([model.token_sep] if model.add_sep else []),
        *answer,
        *([eos] if model.add_eos else []),
    ]


def _fit(session: Session, tokens: List[int], truncate: bool) -> List[int]:
    if not tokens:
        raise ValueError("There is nothing to embed: a text has no tokens")
    if len(tokens) > session.n_batch and not truncate:
        raise ValueError(
            f"Requested tokens ({len(tokens)}) exceed batch size of {session.n_batch}\n"
            "Shorten the text, create the model with a larger n_batch, or use truncate=True."
        )
    return tokens[: session.n_batch]


def _evaluate(session: Session, sequences: List[List[int]], adapters: Choice) -> List[np.ndarray]:
    """Evaluates every sequence; returns a vector each, or a matrix with pooling type NONE."""
    results: List[np.ndarray] = []
    session.use(adapters)
    session.reset()
    try:
        for batch in _batches(sequences, session.n_batch, session.context().n_seq_max):
            # Of all sequences: this batch may have fewer than the one before.
            session.context().memory_clear(False)
            results.extend(_evaluate_batch(session, batch))
    finally:
        session.forget()
    return results


def _batches(
    sequences: List[List[int]], n_tokens: int, n_sequences: int
) -> Iterator[List[List[int]]]:
    """Splits into batches of at most `n_tokens` tokens and `n_sequences` sequences, in order."""
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


def _evaluate_batch(session: Session, batch: List[List[int]]) -> List[np.ndarray]:
    ctx = session.context()
    ctx.decode_sequences(batch, True)
    if ctx.pooling_type != constants.LLAMA_POOLING_TYPE_NONE:
        return [ctx.embeddings_seq(sequence) for sequence in range(len(batch))]
    ends = np.cumsum([len(tokens) for tokens in batch])
    return np.split(ctx.embeddings_all(), ends[:-1])


def _unit_length(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length == 0, 1, length)
