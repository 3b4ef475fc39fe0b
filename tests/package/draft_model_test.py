"""Draft models: their kinds, and their guesses."""

from __future__ import annotations

import pytest

PROMPT = "In the beginning"


def test_a_llama_is_no_draft_model(load, model_path, fresh):
    with pytest.raises(TypeError, match="draft_model has to be a LlamaDraftModel.*\nPass the path"):
        load(model_path, draft_model=fresh)
    with pytest.raises(TypeError, match="draft_model has to be a path, a name, .* not 3 "):
        load(model_path, draft_model=3)


def test_a_function_guesses(load, model_path, fresh):
    """Lists are guesses, too; wrong ones change nothing."""
    expected = fresh(PROMPT, max_tokens=12, temperature=0.0)["choices"][0]["text"]
    tokens = fresh.tokenize((PROMPT + expected).encode())
    lengths = []

    def guess(input_ids, **kwargs):
        lengths.append(len(input_ids))
        return tokens[len(input_ids) : len(input_ids) + 3] if len(lengths) % 2 else [5, 6, 7]

    drafted = load(model_path, draft_model=guess)
    assert drafted(PROMPT, max_tokens=12, temperature=0.0)["choices"][0]["text"] == expected
    assert len(lengths) > 2 and max(b - a for a, b in zip(lengths, lengths[1:])) > 1
