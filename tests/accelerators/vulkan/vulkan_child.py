"""Logits of small models on the Vulkan device and on the CPU.

    python vulkan_child.py MODELS_DIR OUT.npz TYPE...

Prints the devices as JSON. The log, on standard error, has a line in front of llama.cpp's messages
for each model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import llama_cpp

# A prompt that is long enough for products of matrices, and one token as decoding has it.
_TOKENS = np.random.default_rng(0).integers(300, 500, 17).tolist()


def logits(path: Path, gpu: bool) -> np.ndarray:
    """Logits of every token, shape (tokens, vocabulary)."""
    llm = llama_cpp.Llama(
        str(path),
        n_ctx=64,
        n_gpu_layers=-1 if gpu else 0,
        # Without this llama.cpp would have the device compute large batches of a model that lies in
        # memory.
        op_offload=gpu,
        offload_kqv=gpu,
        logits_all=True,
        verbose=True,
    )
    llm.eval(_TOKENS[:-1])
    llm.eval(_TOKENS[-1:])
    return np.array(llm.scores[: len(_TOKENS)])


def main(models: Path, out: Path, *types: str) -> None:
    results = {}
    for qtype in types:
        path = models / f"llama-{qtype}.gguf"
        for gpu in (True, False):
            # The following messages in the log are about this model.
            print(f"## {qtype} {'vulkan' if gpu else 'cpu'}", file=sys.stderr, flush=True)
            results[f"{qtype} {'vulkan' if gpu else 'cpu'}"] = logits(path, gpu)
    np.savez(out, **results)
    print(json.dumps([device._asdict() for device in llama_cpp.devices()]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
