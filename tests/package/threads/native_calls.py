"""Short ways to llama_cpp._core for the tests: contexts, prompts, greedy generation."""

from __future__ import annotations

from typing import Any

PROMPTS = ["In the beginning", "And God said", "The earth was", "Now the serpent"]
N_TOKENS = 12


def new_context(core: Any, model: Any, n_ctx: int = 256, n_batch: int = 256) -> Any:
    """One computing thread: with more, every token waits for the slowest of them."""
    params = core.ContextParams()
    params.n_ctx = n_ctx
    params.n_batch = n_batch
    params.n_threads = params.n_threads_batch = 1
    return core.Context(model, params)


def greedy_sampler(core: Any, model: Any) -> Any:
    params = core.SamplingParams()
    params.temp = 0.0
    return core.Sampler(model, params)


def prompt_tokens(model: Any, prompt: str) -> list[int]:
    return model.tokenize(prompt.encode(), True, True)


def generate(core: Any, model: Any, context: Any, prompt: str, n_tokens: int = N_TOKENS) -> str:
    """Returns the likeliest continuation of a prompt."""
    tokens = prompt_tokens(model, prompt)
    context.memory_clear()
    context.decode(tokens, 0)
    sampler = greedy_sampler(core, model)
    answer = [core.sample_accept(context, sampler)]
    while len(answer) < n_tokens:
        context.decode_one(answer[-1], len(tokens) + len(answer) - 1)
        answer.append(core.sample_accept(context, sampler))
    return model.detokenize(answer).decode("utf-8", "replace")


def expected_texts(core: Any, model: Any) -> dict[str, str]:
    """Returns the results of generate() for each of PROMPTS when nothing else runs."""
    context = new_context(core, model)
    return {prompt: generate(core, model, context, prompt) for prompt in PROMPTS}
