"""Tries hostile grammars and schemas: reads a case a line from stdin, answers with a line.

Its argument is the model.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings

import llama_cpp

PROMPT = "In the beginning"


def try_grammar(llm: llama_cpp.Llama, text: str) -> None:
    grammar = llama_cpp.LlamaGrammar.from_string(text)
    llm(PROMPT, grammar=grammar, max_tokens=8, temperature=1.0, seed=1)


def try_schema(llm: llama_cpp.Llama, text: str) -> None:
    try:
        llama_cpp.LlamaGrammar.from_json_schema(text)
    except llama_cpp.GrammarError:
        pass
    try:
        schema = json.loads(text)
    except RecursionError:
        return  # Python can't make such a dictionary
    messages = [{"role": "user", "content": "hi"}]
    function = {"name": "f", "parameters": schema}
    for arguments in (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}},
        {"tools": [{"type": "function", "function": function}]},
    ):
        try:
            llm.create_chat_completion(messages, max_tokens=4, temperature=1.0, **arguments)
        except (llama_cpp.GrammarError, llama_cpp.ContextOverflowError):
            pass  # the latter since a tool's schema is in the prompt


def try_case(llm: llama_cpp.Llama, case: dict) -> str:
    try:
        (try_grammar if case["kind"] == "grammar" else try_schema)(llm, case["text"])
    except llama_cpp.GrammarError as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "answer"


def main() -> None:
    warnings.simplefilter("ignore")
    llm = llama_cpp.Llama(sys.argv[1], n_ctx=1024, n_threads=1, verbose=False)
    for line in sys.stdin:
        start = time.process_time()
        try:
            result = try_case(llm, json.loads(line))
        except Exception as error:
            result = f"WRONG {type(error).__name__}: {str(error)[:300]}"
        print(
            json.dumps(
                {
                    "result": result,
                    "seconds": time.process_time() - start,
                    "mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
