"""Opens files that may kill: reads a case a line from stdin, answers with a line.

A case is {"path": ..., "kind": "model", "projector", "adapter", "control" or "imatrix"}. The
argument is a sound model, for files that belong to one.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from typing import Any, Callable, Dict

import llama_cpp
from llama_cpp._engine.loading import load_vocabulary

TEXTS = ("In the beginning", "Grüße 語 \U0001f600 <s></s>", " \n\t ", "")
MESSAGES = [{"role": "user", "content": "Hi"}]


def try_vocabulary(path: str) -> None:
    model = load_vocabulary(path)
    use_vocabulary(model)
    model.close()


def use_vocabulary(model: Any) -> None:
    """Goes through every token, and through some texts."""
    for token in [*range(min(model.n_vocab, 300)), model.n_vocab - 1]:
        if token >= 0:
            model.detokenize([token], True)
    for text in TEXTS:
        tokens = model.tokenize(text.encode(), True, True)
        model.detokenize(tokens, False)


def try_model(path: str) -> None:
    llm = llama_cpp.Llama(path, n_ctx=64, n_threads=1, n_threads_batch=1, verbose=False)
    try:
        use_model(llm)
    finally:
        llm.close()


def use_model(llm: llama_cpp.Llama) -> None:
    str(llm.metadata)
    tokens = llm.tokenize(b"In the")[:8] or [0]
    llm.detokenize(tokens)
    if llm.n_vocab():
        llm.eval(tokens)
        token = llm.sample(temp=0.0)
        llm.detokenize([token])
        llm.eval([token])
        llm.save_state()
    if "tokenizer.chat_template" in llm.metadata:
        llm.create_chat_completion(MESSAGES, max_tokens=1)


def embed(path: str) -> None:
    llm = llama_cpp.Llama(
        path, n_ctx=64, embedding=True, n_threads=1, n_threads_batch=1, verbose=False
    )
    try:
        if llm.tokenize(b"In the"):
            llm.embed("In the")
    finally:
        llm.close()


def steps(kind: str) -> Dict[str, Callable[[str], None]]:
    return {"vocabulary": try_vocabulary, "model": try_model, "embedding": embed}


def fault_of(error: BaseException, path: str) -> str:
    """Returns why an exception is not a good answer, "" if it is one."""
    text = str(error)
    if not isinstance(error, llama_cpp.LlamaError):
        return "not an exception of ours"
    if isinstance(error, llama_cpp.ModelLoadError) and path not in text:
        return "does not name the file"
    if "\n" not in text.strip():
        return "says not what to do next"
    return ""


def high_water() -> float:
    """Returns the greatest resident size since the last call, in MiB."""
    with open("/proc/self/status") as status:
        size = next(line for line in status if line.startswith("VmHWM"))
    with open("/proc/self/clear_refs", "w") as references:
        references.write("5")
    return int(size.split()[1]) / 1024


def main() -> None:
    warnings.simplefilter("ignore")
    high_water()
    for line in sys.stdin:
        case = json.loads(line)
        answers = {}
        for name, step in steps(case["kind"]).items():
            print(name, file=sys.stderr, flush=True)
            start = time.process_time()
            answer: Dict[str, Any] = {}
            try:
                step(case["path"])
            except Exception as error:
                answer["error"] = f"{type(error).__name__}: {error}"
                answer["fault"] = fault_of(error, case["path"])
            answer["seconds"] = time.process_time() - start
            answers[name] = answer
        print(json.dumps({"steps": answers, "mebibytes": high_water()}), flush=True)


if __name__ == "__main__":
    main()
