"""Engine with drafts: llama-server's, by the same options."""

from __future__ import annotations

from pathlib import Path

import pytest

from llama_cpp import Engine, ModelLoadError, SpeculativeOptions

PROMPT = "And God saw that it was good. And God saw that it was good. And God saw that"
ACCEPTED = "spec_decode_num_accepted_tokens_total"
DRAFTED = "spec_decode_num_draft_tokens_total"


def answer(engine: Engine) -> str:
    found = engine.complete(PROMPT, max_tokens=32, temperature=0, cache_prompt=False)
    return found["choices"][0]["text"]


def open_engine(path: str, draft_model=None) -> Engine:
    return Engine(path, n_parallel=2, n_ctx=256, n_threads=1, draft_model=draft_model)


@pytest.mark.parametrize("kind", ["ngram-simple", "ngram-cache", "model", "eagle3"])
def test_the_same_text(kind: str, model_path: str, drafts: Path):
    kinds = {
        "ngram-simple": SpeculativeOptions(types="ngram-simple", size_n=2, n_max=6),
        "ngram-cache": "ngram-cache",
        "model": SpeculativeOptions(model=model_path, n_max=4, n_threads=1, type_k=1),
        "eagle3": str(drafts / "eagle3.gguf"),
    }
    with open_engine(model_path) as plain:
        expected = answer(plain)
        assert plain.metrics()[DRAFTED] == 0
    with open_engine(model_path, kinds[kind]) as engine:
        assert answer(engine) == expected
        metrics = engine.metrics()
    assert metrics[DRAFTED] > 0
    assert kind == "eagle3" or metrics[ACCEPTED] > 0  # its weights are random


def test_another_vocabulary(model_path: str, architectures: Path):
    with pytest.raises(ModelLoadError, match="cannot use draft_model with this model.*\nEngine"):
        open_engine(model_path, str(architectures / "llama.gguf"))


def test_options_are_checked(model_path: str):
    with pytest.raises(ValueError, match="neither types nor a model"):
        open_engine(model_path, SpeculativeOptions())
    with pytest.raises(ModelLoadError, match="does not exist: missing.gguf"):
        open_engine(model_path, "missing.gguf")
