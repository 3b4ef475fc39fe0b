"""Measures how much more one model generates for eight requests at once than for one.

    python engine.py --python NAME=/path/to/bin/python --model MODEL

The model is a generated one of 12 layers unless --model names another. Prints tokens per second of
1 and of N streams, of all together, and their ratio, the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from compare import generate_models

_WORKER = """
import json, sys, threading, time
from llama_cpp import Engine

model, streams, tokens, threads = sys.argv[1], *map(int, sys.argv[2:])
prompt = list(range(100, 356))
with Engine(model, n_parallel=streams, n_ctx=512, n_threads=threads) as engine:
    def work(n):
        engine.complete([*prompt[:-1], 400 + n], max_tokens=tokens, ignore_eos=True, temperature=0)
    work(99)
    workers = [threading.Thread(target=work, args=(n,)) for n in range(streams)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps(streams * tokens / (time.perf_counter() - start)))
"""


def speed(python: str, model: Path, streams: int, tokens: int, threads: int) -> float:
    """Returns the generated tokens per second of all streams together."""
    arguments = [str(value) for value in (model, streams, tokens, threads)]
    result = subprocess.run(
        [python, "-c", _WORKER, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(result.stdout.splitlines()[-1])


def generated_model(directory: Path) -> Path:
    """Makes a model of 12 layers, 768 wide, in Q8_0."""
    generate_models(directory)
    return directory / "speed-q8_0.gguf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", required=True, metavar="NAME=PATH")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        model = arguments.model or generated_model(Path(directory))
        for entry in arguments.python:
            name, _, python = entry.partition("=")
            rates = {
                count: [
                    speed(python, model, count, arguments.tokens, arguments.threads)
                    for _ in range(arguments.rounds)
                ]
                for count in (1, arguments.streams)
            }
            one, many = (statistics.median(rates[count]) for count in (1, arguments.streams))
            print(
                f"{name}: 1 stream {one:.1f} tokens/s, {arguments.streams} streams {many:.1f},"
                f" ratio {many / one:.2f}"
            )


if __name__ == "__main__":
    main()
