"""xllamacpp's part of worker.py: PYTHON worker_xllamacpp.py TASK MODEL THREADS

Prints the same JSON objects. xllamacpp has no way to evaluate tokens alone, so greedy completions
are timed by its own server: the difference is a sampler that takes the largest logit.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any

import xllamacpp
from worker_sizes import BATCHES, DECODED_TOKENS, prompt_tokens, resident_memory


class Server:
    """A server with one slot, asked for greedy completions."""

    def __init__(self, model: str, threads: int) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = model
        params.n_ctx, params.n_batch, params.n_parallel = 1024, 512, 1
        if threads:
            params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        self._server = xllamacpp.Server(params)

    def complete(self, prompt: list[int], count: int) -> dict[str, Any]:
        """Returns the server's own times."""
        request = {"n_predict": count, "ignore_eos": True, "temperature": 0, "cache_prompt": False}
        return self._server.handle_completions({**request, "prompt": prompt})["timings"]


def speed(model: str, threads: int) -> dict[str, float]:
    """Returns tokens per second, after a completion that warms up."""
    server = Server(model, threads)
    server.complete(prompt_tokens(64), 1)
    timings = server.complete(prompt_tokens(), DECODED_TOKENS)
    return {"prompt": timings["prompt_per_second"], "decode": timings["predicted_per_second"]}


def batches(model: str, threads: int) -> dict[str, float]:
    """Returns tokens per second of prompts of different lengths."""
    server = Server(model, threads)
    server.complete(prompt_tokens(64), 1)
    return {
        str(count): max(
            server.complete(prompt_tokens(count), 1)["prompt_per_second"] for _ in range(3)
        )
        for count in BATCHES
    }


def start(model: str, threads: int) -> dict[str, float]:
    """Returns the memory that is used when the first token is there."""
    server = Server(model, threads)  # which a variable keeps until its memory is read
    server.complete(prompt_tokens(8), 1)
    return resident_memory()


def information(model: str, threads: int) -> dict[str, str]:
    return {"version": version("xllamacpp"), "system": xllamacpp.get_system_info()}


TASKS = {"speed": speed, "batches": batches, "start": start, "information": information}

if __name__ == "__main__":
    task, model, threads = sys.argv[1:]
    print(json.dumps(TASKS[task](model, int(threads))), flush=True)
