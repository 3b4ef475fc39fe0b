"""Checks of structs before llama.cpp uses them: its own checks of these end the process."""

from __future__ import annotations

from typing import Any, Callable

from .._errors import ContextError
from . import constants
from .arguments import MOST_THREADS


def _check_context(llama: Any, name: str, model: Any, params: Any) -> None:
    """Raises ContextError for llama_context_params with a number that llama.cpp cannot take."""
    types = _values("GGML_TYPE_") - {constants.GGML_TYPE_COUNT}
    flash_attention = _values("LLAMA_FLASH_ATTN_TYPE_")
    for field, values in (
        ("flash_attn_type", flash_attention),
        ("type_k", types),
        ("type_v", types),
    ):
        if getattr(params, field) not in values:
            raise ContextError(
                f"{field} is {getattr(params, field)}\n"
                f"Take one of {', '.join(map(str, sorted(values)))}."
            )
    for field in ("n_threads", "n_threads_batch"):
        if getattr(params, field) > MOST_THREADS:
            raise ContextError(
                f"{field} is {getattr(params, field)}\nTake {MOST_THREADS} or fewer."
            )
    n_ctx = params.n_ctx or llama.llama_model_n_ctx_train(model)
    most = params.n_outputs_max or min(params.n_batch, n_ctx)
    if most < max(params.n_seq_max, 1):
        raise ContextError(
            f"n_seq_max is {params.n_seq_max}, and there is room for {most} outputs\n"
            "Make n_outputs_max, or n_batch and n_ctx if that is 0, as large as n_seq_max."
        )


def _values(prefix: str) -> set[int]:
    """Returns the values of an enum."""
    return {value for name, value in vars(constants).items() if name.startswith(prefix)}


def _check_batch(llama: Any, name: str, context: Any, batch: Any) -> None:
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


# Function -> its check, with the library, the function's name and its arguments.
CHECKS: dict[str, Callable[..., None]] = {
    "llama_decode": _check_batch,
    "llama_encode": _check_batch,
    "llama_init_from_model": _check_context,
    "llama_new_context_with_model": _check_context,
}
