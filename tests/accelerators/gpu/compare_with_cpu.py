"""Compares a GPU with the CPU of the same machine: logits of small models, and speed with one of a
billion parameters.

    python compare_with_cpu.py --backend cuda --models DIR

Runs against the llama_cpp that is installed; needs the packages numpy and gguf too. Models are
generated into DIR and kept there. Exits with 1 where the logits differ by more than rounding, or
where nothing was offloaded. Times are printed, not judged.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import llama_cpp

_GENERATOR = Path(__file__).resolve().parents[2] / "models/random_models.py"
_TYPES = ("f16", "q8_0", "q4_k")
# Root mean square of the difference over that of the logits. Both sides round activations to 8 bits
# where weights are quantised, but in blocks of their own; in 16-bit arithmetic the order of
# summation differs.
_TOLERANCES = {"f16": 0.005, "q8_0": 0.02, "q4_k": 0.02}
_PROMPT_TOKENS = 64
# The shape of Llama 3.2 1B, with a smaller vocabulary: 1.1 billion parameters.
_BILLION = {
    "--vocab": 32000,
    "--layers": 16,
    "--embd": 2048,
    "--heads": 32,
    "--kv-heads": 8,
    "--ff": 8192,
    "--ctx": 2048,
}


def generate(folder: Path, name: str, *options: str) -> Path:
    """Returns a model of random weights, made where it is not there yet."""
    path = folder / f"{name}.gguf"
    if not path.exists():
        print(f"making {path.name}", flush=True)
        command = [sys.executable, str(_GENERATOR), "--out", str(folder), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def load(path: Path, gpu: bool, **options: Any) -> llama_cpp.Llama:
    return llama_cpp.Llama(
        str(path),
        n_gpu_layers=-1 if gpu else 0,
        # Without this llama.cpp would have the GPU compute large batches of a model that lies in
        # memory.
        op_offload=gpu,
        offload_kqv=gpu,
        verbose=False,
        **options,
    )


def logits(path: Path, gpu: bool) -> np.ndarray:
    """Logits of every token of a prompt, shape (tokens, vocabulary)."""
    llm = load(path, gpu, n_ctx=256, logits_all=True)
    tokens = np.random.default_rng(0).integers(300, 500, _PROMPT_TOKENS).tolist()
    llm.eval(tokens)
    return np.array(llm.scores[: len(tokens)])


def difference(path: Path) -> float:
    """Returns the relative difference of the GPU's logits."""
    expected, found = logits(path, gpu=False), logits(path, gpu=True)
    return float(np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2)))


def compare_logits(folder: Path) -> bool:
    """Prints a line per type; returns whether all are within the tolerance."""
    good = True
    for kind in _TYPES:
        value = difference(generate(folder, f"llama-{kind}", "--only", f"llama-{kind}"))
        fits = value <= _TOLERANCES[kind]
        good = good and fits
        verdict = "ok" if fits else "TOO LARGE"
        print(f"logits {kind:5} differ by {value:.5f} (tolerance {_TOLERANCES[kind]}): {verdict}")
    return good


def rate(llm: llama_cpp.Llama, prompt: int, decode: int) -> tuple[float, float]:
    """Returns tokens per second of a prompt and of decoding token by token; the best of three."""
    tokens = np.random.default_rng(0).integers(300, 500, prompt).tolist()
    best_prompt = best_decode = 0.0
    for _ in range(3):
        llm.reset()
        start = time.perf_counter()
        llm.eval(tokens)
        middle = time.perf_counter()
        for _ in range(decode):
            llm.eval(tokens[:1])
        end = time.perf_counter()
        best_prompt = max(best_prompt, prompt / (middle - start))
        best_decode = max(best_decode, decode / (end - middle))
    return best_prompt, best_decode


def compare_speed(folder: Path) -> None:
    shape = [word for option, value in _BILLION.items() for word in (option, str(value))]
    for kind in _TYPES:
        name = f"billion-{kind}"
        path = generate(folder, name, "--name", name, "--type", kind, *shape)
        rates = {}
        for side, gpu in (("GPU", True), ("CPU", False)):
            llm = load(path, gpu, n_ctx=1024, n_batch=512)
            # A CPU takes a minute for a tenth of a second's work of a GPU.
            rates[side] = rate(llm, 512, 128) if gpu else rate(llm, 64, 8)
            llm.close()
            prompt, decode = rates[side]
            print(f"{kind:5} {side}: prompt {prompt:9.1f} tokens/s, decode {decode:7.1f} tokens/s")
        ratios = [gpu / cpu for gpu, cpu in zip(rates["GPU"], rates["CPU"])]
        print(f"{kind:5} GPU over CPU: prompt {ratios[0]:.1f}, decode {ratios[1]:.1f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", required=True, help="cuda, rocm, metal or vulkan")
    parser.add_argument("--models", type=Path, required=True, help="folder for generated models")
    parser.add_argument("--no-speed", action="store_true", help="logits alone")
    arguments = parser.parse_args()
    llama_cpp.require_backend(arguments.backend)
    for device in llama_cpp.devices():
        print(device)
    good = compare_logits(arguments.models)
    if good and not arguments.no_speed:
        compare_speed(arguments.models)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
