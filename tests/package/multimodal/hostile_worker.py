"""Reads images and sounds with models: a case a line from stdin, an answer a line.

Its argument is the directory of the models. A case is a pair's name, the kind of a part, and a
file.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from llama_cpp import Llama, MediaError

# Of address space: what a file makes the process take has a bound.
MOST_BYTES = 6 << 30


def load(directory: Path, name: str) -> Llama:
    return Llama(
        str(directory / f"{name}.gguf"),
        mmproj_path=str(directory / f"mmproj-{name}.gguf"),
        n_ctx=8192,
        n_batch=2048,
        n_ubatch=2048,
        n_threads=1,
        n_threads_batch=1,
        verbose=False,
    )


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    directory = Path(sys.argv[1])
    models: dict[str, Llama] = {}
    for line in sys.stdin:
        name, kind, file = json.loads(line)
        if name not in models:
            models[name] = load(directory, name)
        part = {"type": kind, kind: Path(file)}
        messages = [{"role": "user", "content": [part, {"type": "text", "text": "Well?"}]}]
        try:
            models[name].create_chat_completion(messages, max_tokens=1)
            result = "answer"
        except MediaError as error:
            result = f"MediaError: {error}"
        except Exception as error:
            result = f"{type(error).__name__}: {str(error)[:500]}"
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
