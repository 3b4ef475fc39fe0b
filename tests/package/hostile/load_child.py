"""Opens files that may kill: reads a case a line from stdin, answers with a line.

A case is {"kind": ..., "path": ...}: a file, of a kind of _STEPS. One that belongs to a model has
that, sound, in "model"; a projector has "image" or "audio" in "media".
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import warnings
from typing import Any, Callable, Dict

import media_files

import llama_cpp
from llama_cpp._engine.imatrix import read_imatrix
from llama_cpp._engine.loading import load_vocabulary

MEDIA = {
    "image": media_files.png(media_files.image(1, 64, 48)),
    "audio": media_files.wav(media_files.sound(1, 0.1)),
}
TEXTS = ("In the beginning", "Grüße 語 \U0001f600 <s></s>", " \n\t ", "")
MESSAGES = [{"role": "user", "content": "Hi"}]
Case = Dict[str, str]


def opened(path: str, **arguments: Any) -> Any:
    """Returns a context manager with a small Llama."""
    small = {"n_ctx": 64, "n_threads": 1, "n_threads_batch": 1, "verbose": False}
    return contextlib.closing(llama_cpp.Llama(path, **{**small, **arguments}))


# ---- models


def try_vocabulary(case: Case) -> None:
    """Goes through tokens, and through some texts."""
    model = load_vocabulary(case["path"])
    for token in [*range(min(model.n_vocab, 300)), model.n_vocab - 1]:
        if token >= 0:
            model.detokenize([token], True)
    for text in TEXTS:
        tokens = model.tokenize(text.encode(), True, True)
        model.detokenize(tokens, False)
    model.close()


def try_model(case: Case) -> None:
    with opened(case["path"]) as llm:
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


def try_embedding(case: Case) -> None:
    with opened(case["path"], embedding=True) as llm:
        if llm.tokenize(b"In the"):
            llm.embed("In the")


# ---- files that belong to a model


def try_projector(case: Case) -> None:
    with opened(case["model"], mmproj_path=case["path"], n_ctx=2048) as llm:
        part = {"type": case["media"], case["media"]: MEDIA[case["media"]]}
        messages = [{"role": "user", "content": [part, {"type": "text", "text": "Hi"}]}]
        llm.create_chat_completion(messages, max_tokens=1)


def try_adapter(case: Case) -> None:
    with opened(case["model"], lora_path=case["path"]) as llm:
        llm.eval([3, 4, 5])


def try_control_vector(case: Case) -> None:
    with opened(case["model"]) as llm:
        llm.load_control_vector(case["path"])
        llm.eval([3, 4, 5])


def try_imatrix(case: Case) -> None:
    read_imatrix(case["path"])


_STEPS: Dict[str, Dict[str, Callable[[Case], None]]] = {
    "model": {"vocabulary": try_vocabulary, "model": try_model, "embedding": try_embedding},
    "projector": {"projector": try_projector},
    "adapter": {"adapter": try_adapter},
    "control vector": {"control vector": try_control_vector},
    "imatrix": {"imatrix": try_imatrix},
}


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


def resident(line: str) -> float:
    """Returns a size of /proc/self/status in MiB: VmRSS now, VmHWM at most."""
    with open("/proc/self/status") as status:
        return int(next(found for found in status if found.startswith(line)).split()[1]) / 1024


def forget_high_water() -> None:
    with open("/proc/self/clear_refs", "w") as references:
        references.write("5")


def main() -> None:
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        case = json.loads(line)
        forget_high_water()
        before = resident("VmRSS")
        answers = {}
        for name, step in _STEPS[case["kind"]].items():
            start = time.process_time()
            answer: Dict[str, Any] = {}
            try:
                step(case)
            except Exception as error:
                answer["error"] = f"{type(error).__name__}: {error}"
                answer["fault"] = fault_of(error, case["path"])
            answer["seconds"] = time.process_time() - start
            answers[name] = answer
        growth = resident("VmHWM") - before
        print(json.dumps({"steps": answers, "mebibytes": growth}), flush=True)


if __name__ == "__main__":
    main()
