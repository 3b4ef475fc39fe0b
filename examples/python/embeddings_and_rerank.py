"""Finds the texts that answer a question: first by embeddings, then with a reranking model.

python embeddings_and_rerank.py EMBEDDING.gguf RERANKER.gguf "question" "text" ["text" ...]
"""

from __future__ import annotations

import sys
from typing import List, Tuple

import numpy as np

from llama_cpp import Llama

N_CANDIDATES = 3


def by_embedding(llm: Llama, question: str, texts: List[str]) -> List[Tuple[float, str]]:
    """Returns cosine similarity and text, the most similar first."""
    vectors = np.array(llm.embed([question, *texts], normalize=True))
    similarities = vectors[1:] @ vectors[0]
    return sorted(zip(similarities.tolist(), texts), reverse=True)


def by_reranker(llm: Llama, question: str, texts: List[str]) -> List[Tuple[float, str]]:
    """Returns the reranking model's score and text, the best first."""
    return sorted(zip(llm.rank(question, texts), texts), reverse=True)


def main(embedding_model: str, reranker: str, question: str, texts: List[str]) -> None:
    llm = Llama(embedding_model, embedding=True, n_ctx=0, verbose=False)
    candidates = by_embedding(llm, question, texts)[:N_CANDIDATES]
    print("similar:", *(f"{score:.3f} {text}" for score, text in candidates), sep="\n  ")
    llm.close()
    llm = Llama(reranker, embedding=True, n_ctx=0, verbose=False)
    ranked = by_reranker(llm, question, [text for _, text in candidates])
    print("ranked:", *(f"{score:.3f} {text}" for score, text in ranked), sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
