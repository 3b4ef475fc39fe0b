"""Checks of a batch before llama.cpp evaluates it: its own checks of these end the process."""

from __future__ import annotations

from typing import Any

from .._errors import ContextError


def check_batch(llama: Any, name: str, context: Any, batch: Any) -> None:
    """Raises ContextError for a batch that a function cannot evaluate.

    Args:
        llama: the library, whose functions are declared.
        name: the function, llama_decode or llama_encode.
        context: address of the context.
        batch: a llama_batch.
    """
    most, limit = llama.llama_n_batch(context), "n_batch"
    if name == "llama_encode":
        _check_encoder(llama, context)
        # An encoder takes a batch in one piece.
        most, limit = min((most, limit), (llama.llama_n_ubatch(context), "n_ubatch"))
    if not 0 <= batch.n_tokens <= most:
        raise ContextError(
            f"the batch has {batch.n_tokens} tokens, but the context's {limit} is {most}\n"
            "Evaluate it in several batches."
        )
    if batch.n_tokens and not batch.token and not batch.embd:
        raise ContextError(
            "the batch has neither tokens nor embeddings\nMake it by llama_batch_init()."
        )


def _check_encoder(llama: Any, context: Any) -> None:
    model = llama.llama_get_model(context)
    if llama.llama_get_memory(context) and not llama.llama_model_has_encoder(model):
        raise ContextError("the model has no encoder\nUse llama_decode().")
