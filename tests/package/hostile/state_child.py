"""Restores saved states and tokenizes bytes: reads a case a line from stdin, answers with a line.

A case is {"kind": "state", "edits": [[place, bytes as hexadecimal digits], ...], "cut": length} for
the state of the model in the argument, or {"kind": "bytes", "text": hexadecimal digits}.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from typing import Any, Dict

import llama_cpp

HEADER = struct.Struct("<8sIIQQQ")  # native/core/saved_state.cpp: size and hash of the body
MASK = 2**64 - 1


def mix(value: int, word: int) -> int:
    value = (value ^ word) * 0x9E3779B97F4A7C15 & MASK
    return value ^ value >> 32


def checksum(body: bytes) -> int:
    """Returns the hash that saved_state.cpp keeps against damage, not against intent."""
    value = mix(0, len(body))
    whole = len(body) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", body[:whole]):
        value = mix(value, word)
    return mix(value, int.from_bytes(body[whole:], "little"))


def spoiled(state: bytes, case: Dict[str, Any]) -> bytes:
    """Returns a state with another body, and the checksum that belongs to it."""
    magic, version, zero, _, _, model = HEADER.unpack_from(state)
    body = bytearray(state[HEADER.size :])
    for place, content in case["edits"]:
        content = bytes.fromhex(content)
        body[place : place + len(content)] = content
    kept = bytes(body[: case["cut"]])
    return HEADER.pack(magic, version, zero, len(kept), checksum(kept), model) + kept


class Child:
    """A model with a state of a few tokens."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()
        self._llm.eval(self._llm.tokenize(b"In the beginning"))
        self._state = self._llm.save_state()

    def _open(self) -> None:
        self._llm = llama_cpp.Llama(
            self._path, n_ctx=64, n_threads=1, n_threads_batch=1, verbose=False
        )

    def state(self, case: Dict[str, Any]) -> None:
        content = spoiled(self._state.llama_state, case)
        state = llama_cpp.LlamaState(
            self._state.input_ids,
            self._state.scores,
            self._state.n_tokens,
            content,
            len(content),
            1,
        )
        try:
            self._llm.load_state(state)
            self._llm.eval([5])
        except llama_cpp.LlamaError:
            self._llm.close()
            self._open()
            raise

    def bytes(self, case: Dict[str, Any]) -> None:
        text = bytes.fromhex(case["text"])
        for special in (False, True):
            tokens = self._llm.tokenize(text, special, special)
            self._llm.detokenize(tokens, special=special)

    def answer(self, case: Dict[str, Any]) -> Dict[str, Any]:
        begin = time.process_time()
        step: Dict[str, Any] = {}
        try:
            getattr(self, case["kind"])(case)
        except Exception as error:
            step["error"] = f"{type(error).__name__}: {error}"
            if not isinstance(error, llama_cpp.LlamaError):
                step["fault"] = "not an exception of ours"
        step["seconds"] = time.process_time() - begin
        return step


def main() -> None:
    child = Child(sys.argv[1])
    for line in sys.stdin:
        case = json.loads(line)
        step = child.answer(case)
        print(json.dumps({"steps": {case["kind"]: step}, "mebibytes": 0}), flush=True)


if __name__ == "__main__":
    main()
