"""Shows a model's thoughts apart from its answer, and bounds them.

python thinking.py MODEL.gguf "How many legs have three spiders?"
"""

from __future__ import annotations

import sys
from typing import Any

from llama_cpp import Llama

MOST_TOKENS_OF_A_THOUGHT = 256


def main(model: str, question: str) -> None:
    llm = Llama(model, n_ctx=0, verbose=False)
    chunks: Any = llm.create_chat_completion(
        [{"role": "user", "content": question}],
        reasoning_format="auto",
        reasoning_budget=MOST_TOKENS_OF_A_THOUGHT,
        max_completion_tokens=512,
        stream=True,
        stream_options={"include_usage": True},
    )
    shown = ""
    for chunk in chunks:
        for choice in chunk["choices"]:
            for part, title in (("reasoning_content", "thoughts"), ("content", "answer")):
                if text := choice["delta"].get(part):
                    print(text if shown == title else f"\n{title}: {text}", end="", flush=True)
                    shown = title
        if chunk["usage"]:
            print(f"\n{chunk['usage']['completion_tokens']} tokens")


if __name__ == "__main__":
    main(*sys.argv[1:])
