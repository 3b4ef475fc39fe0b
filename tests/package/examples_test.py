"""The programs of examples/python run on the small models and print the right thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = {Path(path).stem: Path(path).resolve() for path in os.environ["EXAMPLES"].split()}


@pytest.fixture
def run(tmp_path):
    """Runs an example in an empty directory; returns the lines that it prints."""

    def run(name: str, *arguments: object) -> list[str]:
        command = [sys.executable, str(EXAMPLES[name]), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_every_example_is_tested():
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert set(EXAMPLES) <= tests


def test_read_gguf(run, model_path, llm):
    lines = dict(line.split(": ", 1) for line in run("read_gguf", model_path))
    assert lines["llama.block_count"] == llm.metadata["llama.block_count"]
    for key in ("general.architecture", "general.name", "tokenizer.chat_template"):
        assert lines[key] == repr(llm.metadata[key])
    assert lines["tokenizer.ggml.tokens"] == f"[{llm.n_vocab()} values]"
    # Q8_0: 34 bytes for 32 weights (ggml-common.h: block_q8_0).
    assert lines["token_embd.weight"] == f"{llm.n_vocab() * llm.n_embd() // 32 * 34} bytes"


def test_tools_loop(run, model_path):
    call, *answer = run("tools_loop", model_path, "What is the weather in Oslo?")
    arguments = json.loads(call.removeprefix("get_weather(").partition(") -> ")[0])
    assert call.endswith(f"-> sunny and 21 degrees in {arguments['city']}")
    assert "".join(answer)


def test_json_schema(run, model_path):
    (line,) = run("json_schema", model_path, "Anna Berg is 34 years old and lives in Oslo.")
    person = json.loads(line)
    assert set(person) == {"name", "age", "city"}
    assert 0 <= person["age"] <= 150 and len(person["city"]) <= 40


def test_embeddings_and_rerank(run, random_models):
    texts = ["The earth was void.", "Moses went up.", "Light, and it was good.", "In Egypt."]
    lines = run(
        "embeddings_and_rerank",
        random_models / "embedding-f16.gguf",
        random_models / "reranker-f16.gguf",
        "Who made the light?",
        *texts,
    )
    similar, ranked = lines[1:4], lines[5:]
    assert lines[0] == "similar:" and lines[4] == "ranked:"
    for found in (similar, ranked):
        scores = [float(line.split()[0]) for line in found]
        assert scores == sorted(scores, reverse=True)
    assert {line.split(maxsplit=1)[1] for line in similar} == {
        line.split(maxsplit=1)[1] for line in ranked
    }


def test_lora(run, load, model_path, random_models):
    names = ["lora-kjv-1", "lora-kjv-2"]
    paths = [random_models / f"{name}.gguf" for name in names]
    lines = dict(line.split(":", 1) for line in run("lora", model_path, "Who art thou?", *paths))
    assert list(lines) == ["none", *names] and len(set(lines.values())) == 3
    alone = load(model_path, n_ctx=0, lora_path=paths[1]).create_chat_completion(
        [{"role": "user", "content": "Who art thou?"}], max_tokens=64, temperature=0
    )
    text = alone["choices"][0]["message"]["content"].replace("\n", " ")
    assert lines["lora-kjv-2"].strip() == text.strip()


def test_thinking(run, model_path):
    """The model has no tags of thoughts, so all that it says is the answer."""
    lines = run("thinking", model_path, "Who made the light?")
    assert lines[1].startswith("answer: ")
    assert int(lines[-1].removesuffix(" tokens")) > 0
