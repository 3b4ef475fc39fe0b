"""llama-server's names of the types of a KV cache."""

from __future__ import annotations

from typing import Optional, Union

from .._capi import constants

# kv_cache_types of llama.cpp's common/arg.cpp.
_CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")


def type_name(name: str, value: Union[int, str, None]) -> Optional[str]:
    """Returns the name of a type that is given by its name or as GGML_TYPE_*. ValueError else."""
    if value is None or (isinstance(value, str) and not value.isdigit()):
        return value
    for kind in _CACHE_TYPES:
        if getattr(constants, f"GGML_TYPE_{kind.upper()}") == int(value):
            return kind
    raise ValueError(
        f"{name} is {value}, which is no type of a KV cache\nTake one of {', '.join(_CACHE_TYPES)}."
    )
