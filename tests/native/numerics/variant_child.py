"""Computes logits with the CPU variant that LLAMA_CPP_CPU_VARIANT names, in a process of its own.

    python variant_child.py MODELS_DIR TRAINED_MODEL OUT.npz

Saves, for each type of weights, the logits of the short prompts and the hidden states of a batch of
sequences; the same of models of other architectures; and the logits of the trained model on a text.
Prints the GGML CPU libraries that are loaded in the process, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from comparison import (
    BATCH,
    F32_CACHE,
    TOLERANCES,
    batch_options,
    evaluate,
    random_prompt,
    short_prompts,
)
from cpu_variants import LIBRARY
from numpy.typing import NDArray

import llama_cpp

TEXT = (
    b"In the beginning God created the heaven and the earth. And the earth was without form, and "
    b"void; and darkness was upon the face of the deep."
)
# Whose products have other shapes than Llama's (tests/models/architectures.py).
OTHER_MODELS = [
    f"{architecture}-{qtype}"
    for architecture in ("deepseek2", "qwen3next")
    for qtype in ("f16", "q8_0", "q4_0")
]


def main(models_dir: Path, trained_model: Path, out: Path) -> None:
    results: dict[str, NDArray[np.float32]] = {}
    for qtype in TOLERANCES:
        # verbose, since the parent looks for the names of the weights' buffers in the log.
        print(f"model {qtype}", file=sys.stderr, flush=True)
        llm = llama_cpp.Llama(
            str(models_dir / f"llama-{qtype}.gguf"),
            n_ctx=64,
            n_threads=1,
            n_threads_batch=1,
            logits_all=True,
            verbose=True,
            **F32_CACHE,
        )
        results[qtype] = np.concatenate(
            [evaluate(llm, prompt) for prompt in short_prompts(llm.n_vocab())]
        )
        llm = llama_cpp.Llama(llm.model_path, verbose=False, **batch_options(n_threads=1))
        results[f"{qtype} batch"] = np.array(llm.embed(BATCH), dtype=np.float32)
    for name in OTHER_MODELS:
        results |= other_architecture(models_dir, name)
    llm = llama_cpp.Llama(
        str(trained_model),
        n_ctx=256,
        n_threads=2,
        n_threads_batch=2,
        logits_all=True,
        verbose=False,
    )
    results["trained"] = evaluate(llm, llm.tokenize(TEXT))
    np.savez(out, **results)
    print(json.dumps(loaded_libraries()))


def other_architecture(models_dir: Path, name: str) -> dict[str, NDArray[np.float32]]:
    print(f"model {name}", file=sys.stderr, flush=True)
    path = str(models_dir / f"{name}.gguf")
    llm = llama_cpp.Llama(
        path, n_ctx=128, n_threads=1, n_threads_batch=1, logits_all=True, verbose=True
    )
    prompt = random_prompt(80, llm.n_vocab(), seed=1)
    embedder = llama_cpp.Llama(path, verbose=False, **batch_options(n_threads=1))
    return {
        name: evaluate(llm, prompt),
        f"{name} singly": evaluate(llm, prompt, step=1),
        f"{name} batch": np.array(embedder.embed(BATCH), dtype=np.float32),
        f"{name} batch reversed": np.array(embedder.embed(BATCH[::-1])[::-1], dtype=np.float32),
    }


def loaded_libraries() -> list[str]:
    """Returns the variants whose library is mapped into this process, as the kernel sees it."""
    maps = Path(f"/proc/{os.getpid()}/maps").read_text()
    return sorted(set(LIBRARY.findall(maps)))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
