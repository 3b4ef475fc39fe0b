"""Makes random calls of C functions on objects of the package, open and closed, in threads.

    c_api_worker.py MODEL SEED CALLS

Prints the number of calls that returned, and of the errors by their kind, as JSON. Calls are those
whose parameters are an object of the package and plain numbers: the wrapper checks them, so that no
call may end the process.
"""

from __future__ import annotations

import collections
import ctypes
import json
import random
import sys
import threading

import llama_cpp
from llama_cpp import llama_cpp as low
from llama_cpp._capi import llama_h
from llama_cpp._capi.arguments import ContextPointer, ModelPointer, Token, VocabPointer
from llama_cpp._capi.libraries import library

POINTERS = (ContextPointer, ModelPointer, VocabPointer)
N_THREADS = 4


def checked_functions() -> dict[str, list]:
    """Returns the functions to call, with the types of their parameters."""
    found = {}
    for name in llama_h.__all__:
        raw = getattr(library("llama").cdll, name, None) if name.startswith("llama_") else None
        types = list(getattr(raw, "argtypes", None) or ())
        plain = [kind for kind in types if kind not in POINTERS]
        if types[:1] and types[0] in POINTERS and len(plain) == len(types) - 1:
            if all(isinstance(getattr(kind, "_type_", None), str) for kind in plain):
                if not any(kind._type_ in "PzZ" for kind in plain):
                    found[name] = types
    return found


def number(kind, numbers: random.Random):
    """Returns a number that the parameter can hold: small, large or negative."""
    if kind._type_ == "?":
        return numbers.random() < 0.5
    if kind._type_ in "fd":
        return numbers.uniform(-1e6, 1e6)
    bits = 8 * ctypes.sizeof(kind)
    low_end, high_end = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if kind._type_.isupper():
        low_end, high_end = 0, 2**bits - 1
    small = [value for value in (-2, -1, 0, 1, 2, 5, 31) if low_end <= value <= high_end]
    return numbers.choice([*small, low_end, high_end, numbers.randint(low_end, high_end)])


def free_result(name: str, result: int | None) -> None:
    """Frees an object that a function returned to its caller, so that none is a leak."""
    if name == "llama_batch_ext_init":
        low.llama_batch_ext_free(result)
    elif name.startswith("llama_sampler_init"):
        low.llama_sampler_free(result)


class Objects:
    """An open and a closed Llama; the open one is replaced now and then."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.closed = self.open_one()
        self.closed.close()
        self.vocab_only = llama_cpp.Llama(path, vocab_only=True, verbose=False)
        self.open = self.open_one()

    def open_one(self) -> llama_cpp.Llama:
        return llama_cpp.Llama(self.path, n_ctx=32, n_threads=1, verbose=False)

    def replace(self) -> None:
        new = self.open_one()
        with self.lock:
            old, self.open = self.open, new
        old.close()

    def argument(self, kind, numbers: random.Random):
        llm = numbers.choice([self.open, self.open, self.open, self.closed, self.vocab_only])
        if kind is ContextPointer:
            return numbers.choice([llm.ctx, llm._ctx])
        if kind is ModelPointer:
            return numbers.choice([llm.model, llm._model])
        return numbers.choice([llm._model, llm._model.vocab])


def run(objects: Objects, seed: int, calls: int, counts: collections.Counter) -> None:
    functions = checked_functions()
    numbers = random.Random(seed)
    for _ in range(calls):
        name = numbers.choice(list(functions))
        if numbers.random() < 0.05:
            objects.replace()
        try:
            arguments = [
                objects.argument(kind, numbers) if kind in POINTERS else number(kind, numbers)
                for kind in functions[name]
            ]
            if "-v" in sys.argv:
                print(name, arguments[1:], type(arguments[0]), file=sys.stderr, flush=True)
            free_result(name, getattr(low, name)(*arguments))
            counts["returned"] += 1
        except (llama_cpp.LlamaError, ValueError) as error:
            counts[type(error).__name__] += 1


def main() -> None:
    path, seed, calls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    assert Token in {kind for types in checked_functions().values() for kind in types}
    low.llama_log_set(low.llama_log_callback(lambda level, text, data: None))
    objects = Objects(path)
    counts = [collections.Counter() for _ in range(N_THREADS)]
    threads = [
        threading.Thread(target=run, args=(objects, seed + index, calls // N_THREADS, count))
        for index, count in enumerate(counts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(counts, collections.Counter())
    print(json.dumps({**total, "functions": len(checked_functions())}))


if __name__ == "__main__":
    main()
