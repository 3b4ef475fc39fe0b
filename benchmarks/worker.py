"""One measurement of one side, in a process of its own; compare.py starts it.

    PYTHON worker.py TASK MODEL THREADS

Prints one JSON object of numbers. Uses only the API that llama-cpp-python and this project's
llama_cpp share, but for the bare decode, which is each side's cheapest way to decode one token.
Needs no package but llama_cpp and its requirements.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from worker_sizes import (
    BATCHES,
    DECODED_TOKENS,
    FIRST_TOKEN,
    PROMPT_TOKENS,
    prompt_tokens,
    resident_memory,
)

import llama_cpp

OVERHEAD_TOKENS = 256


def load(model: str, threads: int, n_ctx: int) -> Any:
    return llama_cpp.Llama(
        model,
        n_ctx=n_ctx,
        n_batch=PROMPT_TOKENS,
        n_threads=threads,
        n_threads_batch=threads,
        verbose=False,
    )


def settled(model: str, threads: int) -> Any:
    """Returns a model once the process is quiet, for evaluations of a few milliseconds.

    The threads of NumPy's OpenBLAS spin for the first tenth of a second after the import, which
    here is as late as the load of a model.
    """
    llm = load(model, threads, n_ctx=1024)
    time.sleep(0.5)
    return llm


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def speed(model: str, threads: int) -> dict[str, float]:
    """Tokens per second through Llama.eval: one prompt, then token by token."""
    llm = load(model, threads, n_ctx=1024)
    prompt = prompt_tokens()
    # The first evaluation touches the weights' pages and makes the buffers.
    llm.eval(prompt[:64])
    llm.reset()
    prompt_time = seconds(lambda: llm.eval(prompt))
    llm.reset()
    llm.eval(prompt[:32])

    def decode() -> None:
        for i in range(DECODED_TOKENS):
            llm.eval([FIRST_TOKEN + i])

    decode_time = seconds(decode)
    return {"prompt": PROMPT_TOKENS / prompt_time, "decode": DECODED_TOKENS / decode_time}


def batches(model: str, threads: int) -> dict[str, float]:
    """Tokens per second of prompts of different lengths."""
    llm = settled(model, threads)
    result = {}
    for count in BATCHES:
        prompt = prompt_tokens(count)

        def evaluate(prompt: list[int] = prompt) -> None:
            llm.reset()
            llm.eval(prompt)

        evaluate()
        result[str(count)] = count / min(seconds(evaluate) for _ in range(3))
    return result


def start(model: str, threads: int) -> dict[str, float]:
    """Prints the memory that is used when the first token is there; the caller takes the time."""
    llm = load(model, threads, n_ctx=512)
    next(iter(llm.generate(prompt_tokens(8), temp=0.0)))
    return resident_memory()


def overhead(model: str, threads: int) -> dict[str, float]:
    """Microseconds per token of each way to generate, and of decoding alone."""
    llm = settled(model, threads)
    prompt = "w1 w2 w3"
    tokens = llm.tokenize(prompt.encode())

    def generate(count: int) -> None:
        for _, _token in zip(range(count), llm.generate(tokens), strict=False):
            pass

    def completion(count: int) -> None:
        result = llm.create_completion(prompt, max_tokens=count, seed=1)
        reason = result["choices"][0]["finish_reason"]
        assert reason == "length", f"stopped early: {reason}"

    def stream(count: int) -> None:
        for _ in llm.create_completion(prompt, max_tokens=count, seed=1, stream=True):
            pass

    ways = {"generate": generate, "create_completion": completion, "stream": stream}
    result = {}
    for name, way in ways.items():
        way(8)
        # Subtracting the first token leaves out the prompt and the setting up.
        first = min(seconds(lambda way=way: way(1)) for _ in range(5))
        whole = min(seconds(lambda way=way: way(OVERHEAD_TOKENS)) for _ in range(3))
        result[name] = 1e6 * (whole - first) / (OVERHEAD_TOKENS - 1)
    llm.reset()
    llm.eval(tokens)
    decode = bare_decode(llm)
    # Fewer tokens at a time than above, so that three times fit into the context.
    count = OVERHEAD_TOKENS
    whole = min(seconds(lambda: decode(count)) for _ in range(3))
    result["bare decode"] = 1e6 * whole / count
    return result


def bare_decode(llm: Any) -> Callable[[int], None]:
    """Returns a function that decodes so many tokens with as little Python as the side allows.

    Neither samples nor reads logits.
    """
    if hasattr(llama_cpp, "_core"):

        def decode(count: int) -> None:
            position = llm.ctx.seq_pos_max(0) + 1
            for _ in range(count):
                llm.ctx.decode_one(FIRST_TOKEN, position)
                position += 1

    else:
        # llama-cpp-python: the C function through ctypes, always with the same batch. The
        # context itself counts the positions.
        array = (llama_cpp.llama_token * 1)(FIRST_TOKEN)
        batch = llama_cpp.llama_batch_get_one(array, 1)

        def decode(count: int) -> None:
            for _ in range(count):
                if llama_cpp.llama_decode(llm.ctx, batch):
                    raise RuntimeError("llama_decode failed")

    return decode


def information(model: str, threads: int) -> dict[str, str]:
    system = llama_cpp.llama_print_system_info()
    return {
        "version": llama_cpp.__version__,
        "system": system.decode() if isinstance(system, bytes) else str(system),
    }


TASKS = {
    "speed": speed,
    "batches": batches,
    "overhead": overhead,
    "start": start,
    "information": information,
}

if __name__ == "__main__":
    task, model, threads = sys.argv[1:]
    print(json.dumps(TASKS[task](model, int(threads))), flush=True)
