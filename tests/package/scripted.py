"""A model that says a given text, for tests of the way from its tokens to an answer."""

from __future__ import annotations

import llama_cpp


def saying(llm, text):
    """Returns a logits processor that makes the model say `text` and then end."""
    tokens = [*llm.tokenize(text.encode(), add_bos=False, special=True), llm.token_eos()]
    # SentencePiece puts a space before the first word; the model would not
    if not text.startswith(" ") and llm.detokenize(tokens[:1], special=True).startswith(b" "):
        plain = llm.tokenize(b"\n" + text.encode(), add_bos=False, special=True)
        head = llm.tokenize(b"\n", add_bos=False)
        assert plain[: len(head)] == head
        tokens = [*plain[len(head) :], llm.token_eos()]
    start = []

    def force(input_ids, scores):
        start.append(len(input_ids)) if not start else None
        scores[:] = -float("inf")
        scores[tokens[len(input_ids) - start[0]]] = 0
        return scores

    return llama_cpp.LogitsProcessorList([force])
