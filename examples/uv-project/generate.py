"""Generates text: generate.py MODEL PROMPT."""

import sys

from llama_cpp import Llama

llm = Llama(model_path=sys.argv[1], n_ctx=128, verbose=False)
print(llm.create_completion(sys.argv[2], max_tokens=16, temperature=0)["choices"][0]["text"])
