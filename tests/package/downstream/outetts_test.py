"""outetts: the module that uses llama_cpp, GGUFModel.

Left out is everything else of the package: it needs PyTorch, transformers and audio codecs, two
gigabytes. The two modules that import those, and of which GGUFModel needs a name, are stand-ins.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import pytest

_PROMPT = "In the beginning"


@pytest.fixture
def gguf_model(monkeypatch):
    """Imports `outetts.models.gguf_model`, not `outetts.interface` or `outetts.models.config`."""
    package = types.ModuleType("outetts")
    package.__path__ = [str(Path(importlib.util.find_spec("outetts").origin).parent)]
    config = types.ModuleType("outetts.models.config")
    config.GenerationConfig = SimpleNamespace
    monkeypatch.setitem(sys.modules, "outetts", package)
    monkeypatch.setitem(sys.modules, "outetts.models.config", config)
    return importlib.import_module("outetts.models.gguf_model")


def test_it_generates_until_its_limit(gguf_model, llm, model_path):
    """It asks `llama_token_is_eog` about each token."""
    from outetts.models.info import GenerationType

    model = gguf_model.GGUFModel(model_path, max_seq_length=512)
    prompt = llm.tokenize(_PROMPT.encode())
    sampler = SimpleNamespace(
        temperature=0.0,
        repetition_penalty=1.1,
        top_k=40,
        top_p=0.9,
        min_p=0.05,
        mirostat_eta=0.1,
        mirostat_tau=5.0,
    )
    config = SimpleNamespace(
        generation_type=GenerationType.REGULAR,
        sampler_config=sampler,
        additional_gen_config={},
        max_length=len(prompt) + 12,
    )
    found = model.generate(prompt, config)
    expected = llm(_PROMPT, max_tokens=12, temperature=0.0, repeat_penalty=1.1, top_p=0.9)
    assert llm.detokenize(found).decode() == expected["choices"][0]["text"]


def test_it_ends_where_the_model_does(gguf_model, llm, model_path):
    from llama_cpp import llama_token_is_eog

    model = gguf_model.GGUFModel(model_path, max_seq_length=512)
    assert llama_token_is_eog(model.is_eog(), llm.token_eos())
    assert not llama_token_is_eog(model.is_eog(), llm.tokenize(b"a", add_bos=False)[0])
