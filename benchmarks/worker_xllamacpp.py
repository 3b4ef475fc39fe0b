"""The speed of xllamacpp, in a process of its own: PYTHON worker_xllamacpp.py MODEL THREADS

Prints the JSON object of worker.py's task `speed`. xllamacpp has no way to evaluate tokens alone,
so one greedy completion is timed by its own server: the difference is a sampler that takes the
largest logit.
"""

from __future__ import annotations

import json
import sys

import xllamacpp
from worker_sizes import DECODED_TOKENS, prompt_tokens


def speed(model: str, threads: int) -> dict[str, float]:
    """Returns tokens per second, as xllamacpp times them, after a completion that warms up."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx, params.n_batch, params.n_parallel = 1024, 512, 1
    if threads:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    request = {"n_predict": DECODED_TOKENS, "ignore_eos": True, "temperature": 0}
    request["cache_prompt"] = False
    server.handle_completions({**request, "prompt": prompt_tokens()[:64], "n_predict": 1})
    answer = server.handle_completions({**request, "prompt": prompt_tokens()})
    timings = answer["timings"]
    return {"prompt": timings["prompt_per_second"], "decode": timings["predicted_per_second"]}


if __name__ == "__main__":
    print(json.dumps(speed(sys.argv[1], int(sys.argv[2]))))
