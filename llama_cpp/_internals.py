"""Classes over the C API, for programs that drive a model token by token.

Prefer :class:`llama_cpp.Llama`.
"""

from __future__ import annotations

from ._capi.batch import LlamaBatch
from ._capi.context import LlamaContext
from ._capi.model import LlamaModel
from ._capi.sampler import CustomSampler, LlamaSampler
from ._capi.sampling import (
    LlamaSamplingContext,
    LlamaSamplingParams,
    LlamaTokenDataArray,
    normalize_embedding,
)

__all__ = [
    "CustomSampler",
    "LlamaBatch",
    "LlamaContext",
    "LlamaModel",
    "LlamaSampler",
    "LlamaSamplingContext",
    "LlamaSamplingParams",
    "LlamaTokenDataArray",
    "normalize_embedding",
]
