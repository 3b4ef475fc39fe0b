"""Answers a question with each of several LoRA adapters of one model, and without.

python lora.py MODEL.gguf "question" ADAPTER.gguf [ADAPTER.gguf ...]
"""

from __future__ import annotations

import sys
from typing import Dict, List

from llama_cpp import Llama


def answer(llm: Llama, question: str, loras: Dict[str, float]) -> str:
    """Returns the answer with these adapters, by name, and their scales."""
    response = llm.create_chat_completion(
        [{"role": "user", "content": question}], max_tokens=64, temperature=0, loras=loras
    )
    return response["choices"][0]["message"]["content"]


def main(model: str, question: str, adapters: List[str]) -> None:
    llm = Llama(model, n_ctx=0, verbose=False)
    names = [llm.load_lora(path) for path in adapters]
    print("none:", answer(llm, question, {}).replace("\n", " "))
    for name in names:
        print(f"{name}:", answer(llm, question, {name: 1.0}).replace("\n", " "))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
