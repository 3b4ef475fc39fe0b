"""pixeltable: its check for a GPU, and the model that it loads with the answer.

Left out is its database: the package starts a PostgreSQL of its own, and makes a user of the system
for that if it is run by root.
"""

from __future__ import annotations

from pixeltable.functions import llama_cpp as functions

import llama_cpp

_MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


def test_the_check_for_a_gpu_is_that_of_llama():
    """It loads the library `llama` out of the wheel and calls a function of it."""
    assert functions._is_gpu_available() is llama_cpp.llama_supports_gpu_offload()


def test_its_model_answers(llm, model_path):
    n_gpu_layers = -1 if functions._is_gpu_available() else 0
    model = functions._lookup_local_model(model_path, n_gpu_layers, chat_format=None)
    greedy = {"max_tokens": 24, "temperature": 0}
    expected, found = (m.create_chat_completion(_MESSAGES, **greedy) for m in (llm, model))
    assert expected["choices"][0]["message"]["content"]
    assert found["choices"] == expected["choices"]
