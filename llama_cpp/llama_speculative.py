"""Draft models, under llama-cpp-python's names, and the options of llama.cpp's own drafts."""

from ._engine.drafts import LlamaDraftModel, LlamaPromptLookupDecoding, Speculation
from ._engine.speculative_options import SpeculativeOptions

__all__ = ["LlamaDraftModel", "LlamaPromptLookupDecoding", "Speculation", "SpeculativeOptions"]
