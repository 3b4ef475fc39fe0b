"""Draft models, under llama-cpp-python's names."""

from ._engine.drafts import LlamaDraftModel, LlamaPromptLookupDecoding

__all__ = ["LlamaDraftModel", "LlamaPromptLookupDecoding"]
