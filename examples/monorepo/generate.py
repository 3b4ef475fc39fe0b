"""Generates text: generate.py MODEL PROMPT."""

from __future__ import annotations

import sys

from llama_cpp import Llama


def generate(model: str, prompt: str) -> str:
    """Returns a model's (GGUF file) continuation of a prompt."""
    llm = Llama(model_path=model, n_ctx=128, n_threads=1, verbose=False)
    return llm.create_completion(prompt, max_tokens=16, temperature=0)["choices"][0]["text"]


if __name__ == "__main__":
    print(generate(*sys.argv[1:]))
