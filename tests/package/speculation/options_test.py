"""The options of speculative decoding, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import llama_cpp
from llama_cpp import ModelLoadError, SpeculativeOptions
from llama_cpp._engine.speculative_options import TYPES

PROMPT = "And God saw that it was good. And God saw that it was good. And God saw"


def test_the_types_are_llama_cpps(load, model_path: str, llm):
    """The native side knows every name; those with a model say that they need one."""
    for name in TYPES:
        if name.startswith("ngram"):
            load(model_path, draft_model=name).close()
        elif name != "draft-mtp":
            with pytest.raises(ValueError, match=f"{name}, which needs a draft model\nPass"):
                load(model_path, draft_model=name)


@pytest.mark.parametrize("name", ["eagle3", "dflash", "dspark"])
def test_a_file_says_its_type(name: str, load, model_path: str, drafts: Path):
    for type_name in (None, name, f"draft-{name}"):
        options = SpeculativeOptions(model=drafts / f"{name}.gguf", types=type_name)
        load(model_path, draft_model=options).close()


def test_a_path_in_each_form(load, model_path: str):
    for path in (model_path, model_path.encode(), Path(model_path)):
        drafted = load(model_path, draft_model=path)
        drafted(PROMPT, max_tokens=8)
        assert drafted.speculation.drafted > 0
        drafted.close()


def test_several_types(load, model_path: str):
    """N-grams are asked first; the model has a guess where they have none."""
    options = SpeculativeOptions(
        types="ngram-simple,draft-simple", model=model_path, size_n=3, n_max=3
    )
    drafted = load(model_path, draft_model=options)
    drafted("In the", max_tokens=16, temperature=0)
    assert drafted.speculation.rate > 0.8


def test_lengths(load, model_path: str):
    for n_max in (1, 5):
        drafted = load(model_path, draft_model=SpeculativeOptions(model=model_path, n_max=n_max))
        drafted(PROMPT, max_tokens=20, temperature=0)
        counts = drafted.speculation
        assert counts.drafted == n_max * counts.drafts


def test_short_drafts_are_dropped(load, model_path: str):
    options = SpeculativeOptions(model=model_path, n_max=8, n_min=8, p_min=0.9)
    drafted = load(model_path, draft_model=options)
    drafted(PROMPT, max_tokens=30, temperature=0)
    assert drafted.speculation.drafted == 8 * drafted.speculation.drafts


def test_another_vocabulary(load, model_path: str, architectures: Path):
    with pytest.raises(ModelLoadError, match="another vocabulary than the model: .*\nTake a small"):
        load(model_path, draft_model=architectures / "llama.gguf")
    with pytest.raises(ModelLoadError, match="its tokenizer is of another type\n"):
        load(model_path, draft_model=architectures / "qwen3.gguf")


@pytest.mark.parametrize("name", ["eagle3", "dflash", "dspark", "mtp"])
def test_a_head_for_another_model(name: str, load, architectures: Path, drafts: Path, model_path):
    target = model_path if name == "mtp" else architectures / "llama.gguf"
    with pytest.raises(ModelLoadError, match="made for another model: .* numbers, .*\nTake one"):
        load(target, draft_model=drafts / f"{name}.gguf")


@pytest.mark.parametrize("name", ["eagle3", "dflash", "dspark"])
def test_a_file_of_another_type(name: str, load, model_path: str):
    options = SpeculativeOptions(types=name, model=model_path)
    with pytest.raises(ModelLoadError, match=f"architecture 'llama', and draft-{name} .*\nLeave"):
        load(model_path, draft_model=options)


def test_no_layers_that_predict(load, model_path: str):
    with pytest.raises(ModelLoadError, match="no layers that predict several tokens.*\nPass"):
        load(model_path, draft_model="mtp")


def test_files(load, model_path: str, tmp_path: Path):
    with pytest.raises(ModelLoadError, match="path of draft_model does not exist: missing.gguf\n"):
        load(model_path, draft_model="missing.gguf")
    with pytest.raises(ModelLoadError, match="no such file; the nearest way .* 'ngram-simple'\n"):
        load(model_path, draft_model="ngram-smple")
    empty = tmp_path / "empty.gguf"
    empty.write_bytes(b"")
    with pytest.raises(ModelLoadError, match="empty"):
        load(model_path, draft_model=empty)
    with pytest.raises(ModelLoadError, match="no file .*cache.bin with statistics .*\nMake one"):
        options = SpeculativeOptions(
            types="ngram-cache", lookup_cache_static=tmp_path / "cache.bin"
        )
        load(model_path, draft_model=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "neither types nor a model\nPass"),
        ({"types": "ngram-smple"}, "types has 'ngram-smple'\nTake some of draft-simple, "),
        ({"types": ["mtp", "eagle3"]}, "draft-mtp and draft-eagle3, .* one draft model\nTake one"),
        ({"types": "ngram-mod", "model": "kjv"}, "ngram-mod, which need no draft model\nLeave"),
        ({"types": "ngram-simple", "n_max": 4}, "shorter than the 12 tokens .*\nTake a size_n"),
        ({"types": "ngram-mod", "n_max": 0}, "n_max"),
        ({"types": "ngram-mod", "n_max": 4, "n_min": 5}, "n_min"),
        ({"types": "ngram-mod", "n_match": 0}, "n_match"),
        ({"types": "ngram-map-k", "size_n": -1}, "size_n"),
        ({"types": "ngram-map-k4v", "min_hits": 0}, "min_hits"),
    ],
)
def test_values(options: dict, message: str, load, model_path: str):
    if options.get("model"):
        options = {**options, "model": model_path}
    with pytest.raises(ValueError, match=message):
        load(model_path, draft_model=SpeculativeOptions(**options))


def test_vocab_only(load, model_path: str):
    assert load(model_path, vocab_only=True, draft_model="ngram-mod").tokenize(b"a")


def test_closing(load, model_path: str):
    drafted = load(model_path, draft_model=model_path)
    tokens = drafted.generate(drafted.tokenize(PROMPT.encode()))
    next(tokens)
    drafted.close()
    with pytest.raises(llama_cpp.ClosedError):
        next(tokens)
