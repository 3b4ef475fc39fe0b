"""LlamaIndex: a chat, streamed, with the template of the model's GGUF file.

pip install llama-cpp-python llama-index-llms-llama-cpp
python llama_index_chat.py MODEL.gguf "What is the capital of France?"
"""

from __future__ import annotations

import sys
from typing import Sequence

from llama_index.core.llms import ChatMessage
from llama_index.llms.llama_cpp import LlamaCPP

from llama_cpp import Llama
from llama_cpp.llama_chat_format import Jinja2ChatFormatter


def template(path: str):
    """Returns the function that makes a prompt of messages."""
    vocabulary = Llama(path, vocab_only=True, verbose=False)
    text = vocabulary.metadata.get("tokenizer.chat_template")
    if text is None:
        sys.exit(f"{path} has no chat template\nGive a model that was trained for chats")
    formatter = Jinja2ChatFormatter(
        template=text,
        eos_token=vocabulary.detokenize([vocabulary.token_eos()], special=True).decode(),
        # The tokens of a prompt begin with it anyhow.
        bos_token="",
    )

    def to_prompt(messages: Sequence[ChatMessage]) -> str:
        turns = [{"role": message.role.value, "content": message.content} for message in messages]
        return formatter(messages=turns).prompt

    return to_prompt


def main(path: str, question: str) -> None:
    llm = LlamaCPP(
        model_path=path,
        context_window=0,
        temperature=0.0,
        max_new_tokens=100,
        messages_to_prompt=template(path),
        verbose=False,
    )
    for part in llm.stream_chat([ChatMessage(role="user", content=question)]):
        print(part.delta, end="", flush=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
