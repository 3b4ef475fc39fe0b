"""The committed model is as README.md says, and the generator is deterministic."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import llama_cpp

GENERATOR = Path(__file__).with_name("random_models.py")


@pytest.fixture(scope="module")
def path() -> Path:
    return Path(os.environ.get("LLAMA_TEST_MODEL", Path(__file__).with_name("kjv-q8_0.gguf")))


@pytest.fixture(scope="module")
def model(path: Path) -> llama_cpp.Llama:
    return llama_cpp.Llama(str(path), n_ctx=512, n_threads=1, logits_all=True, verbose=False)


def test_size(path: Path) -> None:
    assert path.stat().st_size <= 4_000_000


@pytest.mark.parametrize(
    "text",
    [
        "In the beginning God created the heaven and the earth.\n",
        '{"list": [1, 2.5, null], "text": "a\\tb"}',
        "  two spaces, \t a tab, \r\n and CRLF ",
        "Καλημέρα κόσμε, 日本語, \U0001f600, e\u0301",
        "".join(chr(code) for code in range(1, 0x250)),
    ],
)
def test_every_text_comes_back_unchanged(model: llama_cpp.Llama, text: str) -> None:
    tokens = model.tokenize(text.encode(), add_bos=False)
    assert model.detokenize(tokens).decode() == text


def test_it_learnt_english(model: llama_cpp.Llama) -> None:
    """Fewer than 4 bits a character on verses that the training text has; random would be 10."""
    text = b"And God said, Let there be light: and there was light. And God saw the light."
    tokens = model.tokenize(text)
    model.reset()
    model.eval(tokens)
    logprobs = model.logits_to_logprobs(np.array(model.scores[: len(tokens) - 1]))
    bits = -logprobs[np.arange(len(tokens) - 1), tokens[1:]].sum() / np.log(2)
    print(f"{bits / len(text):.2f} bits a character")
    assert bits / len(text) < 4


def test_it_answers_in_a_chat(model: llama_cpp.Llama) -> None:
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    answer = model.create_chat_completion(messages, max_tokens=40, temperature=0)["choices"][0]
    assert "Paris" in answer["message"]["content"]
    assert answer["finish_reason"] == "stop"


def test_random_models_are_deterministic(tmp_path: Path) -> None:
    digests = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        command = [sys.executable, str(GENERATOR), "--out", str(folder), "--only", "llama-q4_k"]
        subprocess.run(command, check=True)
        digests.add(hashlib.sha256((folder / "llama-q4_k.gguf").read_bytes()).hexdigest())
    assert len(digests) == 1
