"""Requests at once, in a process of its own: PYTHON worker_streams.py KIND MODEL COUNT THREADS ONE

KIND is "llama_cpp" (its Engine), "xllamacpp" (its Server), or the path of a llama-server, which
is asked over HTTP. ONE is 1 if all requests have one prompt, else 0. Prints the JSON object
{"rate": generated tokens per second, all together}.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

PROMPT_TOKENS = 256
DECODED_TOKENS = 64
_SLOT = 512  # tokens of context
_GREEDY = {"ignore_eos": True, "temperature": 0}

Ask = Callable[[dict[str, Any]], Any]


def prompt_tokens(number: int) -> list[int]:
    """Returns the prompt of a request; no two have their first token in common."""
    return [300 + (number + i) % 200 for i in range(PROMPT_TOKENS)]


@contextlib.contextmanager
def engine(model: str, count: int, threads: int) -> Iterator[Ask]:
    from llama_cpp import Engine

    with Engine(model, n_parallel=count, n_ctx=_SLOT, n_threads=threads) as served:
        yield lambda request: served.complete(request.pop("prompt"), **request)


@contextlib.contextmanager
def xllamacpp(model: str, count: int, threads: int) -> Iterator[Ask]:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx, params.n_parallel = _SLOT * count, count
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    yield xllamacpp.Server(params).handle_completions


@contextlib.contextmanager
def llama_server(program: str, model: str, count: int, threads: int) -> Iterator[Ask]:
    port = 18080
    options = ["--port", port, "--ctx-size", _SLOT * count, "--parallel", count]
    options += ["--threads", threads, "--threads-batch", threads, "--no-warmup"]
    command = [program, "--model", model, *map(str, options)]
    # ggml's own variable, which other kinds must not see
    environment = {**os.environ, "GGML_BACKEND_PATH": os.environ.get("LLAMA_SERVER_BACKEND", "")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command, env=environment, **quiet)

    def ask(request: dict[str, Any]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/v1/completions", json.dumps(request))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()

    try:
        while not _is_healthy(port):
            assert child.poll() is None, f"{program} has ended"
            time.sleep(0.1)
        yield ask
    finally:
        child.kill()
        child.wait()


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


def rate(ask: Ask, count: int, has_one_prompt: bool) -> float:
    """Returns the tokens per second of `count` requests, after one that warms up."""
    ask({**_GREEDY, "prompt": prompt_tokens(150), "max_tokens": 4})
    prompts = [prompt_tokens(0 if has_one_prompt else number) for number in range(count)]
    requests = [{**_GREEDY, "prompt": each, "max_tokens": DECODED_TOKENS} for each in prompts]
    workers = [threading.Thread(target=ask, args=(request,)) for request in requests]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return count * DECODED_TOKENS / (time.perf_counter() - start)


def main() -> None:
    kind, model = sys.argv[1:3]
    count, threads, has_one_prompt = map(int, sys.argv[3:])
    kinds = {"llama_cpp": engine, "xllamacpp": xllamacpp}
    begin = kinds.get(kind, lambda *rest: llama_server(kind, *rest))
    with begin(model, count, threads) as ask:
        print(json.dumps({"rate": rate(ask, count, bool(has_one_prompt))}))


if __name__ == "__main__":
    main()
