"""Parameter structs of ctypes as the native module's."""

from __future__ import annotations

import ctypes
from typing import Any, Union

from .. import _core
from .._errors import LlamaError
from . import llama_h
from .constants import (
    LLAMA_KV_OVERRIDE_TYPE_BOOL,
    LLAMA_KV_OVERRIDE_TYPE_FLOAT,
    LLAMA_KV_OVERRIDE_TYPE_INT,
    LLAMA_KV_OVERRIDE_TYPE_STR,
)

ModelParams = Union[_core.ModelParams, llama_h.llama_model_params]
ContextParams = Union[_core.ContextParams, llama_h.llama_context_params]

# Type of a value -> tag and member of llama_model_kv_override. A bool is an int, too.
KV_OVERRIDES = {
    bool: (LLAMA_KV_OVERRIDE_TYPE_BOOL, "val_bool"),
    int: (LLAMA_KV_OVERRIDE_TYPE_INT, "val_i64"),
    float: (LLAMA_KV_OVERRIDE_TYPE_FLOAT, "val_f64"),
    str: (LLAMA_KV_OVERRIDE_TYPE_STR, "val_str"),
}
_MEMBERS = dict(KV_OVERRIDES.values())


def model_params(params: ModelParams) -> _core.ModelParams:
    """Returns the native module's form of model parameters.

    Raises:
        LlamaError: a field has a pointer that it cannot take over.
    """
    if isinstance(params, _core.ModelParams):
        return params
    native = _core.ModelParams()
    taken = _copy_numbers(params, native)
    if params.tensor_split:
        native.tensor_split = params.tensor_split[: _core.max_devices()]
    if params.kv_overrides:
        native.kv_overrides = _overrides(params.kv_overrides)
    _refuse_pointers(params, {*taken, "tensor_split", "kv_overrides"})
    return native


def context_params(params: ContextParams) -> _core.ContextParams:
    """Returns the native module's form of context parameters.

    Raises:
        LlamaError: a field has a pointer that it cannot take over.
    """
    if isinstance(params, _core.ContextParams):
        return params
    native = _core.ContextParams()
    _refuse_pointers(params, _copy_numbers(params, native))
    return native


def _copy_numbers(params: ctypes.Structure, native: Any) -> set[str]:
    """Copies the numbers that both have; returns their names."""
    names = set()
    for name, *_ in params._fields_:
        value = getattr(params, name)
        if isinstance(value, (bool, int, float)) and hasattr(native, name):
            setattr(native, name, value)
            names.add(name)
    return names


def _overrides(pointer: Any) -> dict[str, Union[bool, int, float, str]]:
    """Returns the metadata of an array that ends with an empty key."""
    found: dict[str, Union[bool, int, float, str]] = {}
    index = 0
    while pointer[index].key:
        item = pointer[index]
        value = getattr(item, _MEMBERS[item.tag])
        found[item.key.decode()] = value.decode() if isinstance(value, bytes) else value
        index += 1
    return found


def _refuse_pointers(params: ctypes.Structure, taken: set[str]) -> None:
    """Raises LlamaError for a field that differs from llama.cpp's default and was not copied."""
    default = getattr(llama_h, type(params).__name__.replace("_params", "_default_params"))()
    for name, *_ in params._fields_:
        if name not in taken and _differs(getattr(params, name), getattr(default, name)):
            raise LlamaError(
                f"{name} cannot be used here; use llama_model_load_from_file() and"
                " llama_init_from_model() with these parameters"
            )


def _differs(value: Any, default: Any) -> bool:
    if isinstance(value, (bool, int, float, type(None))):
        return value != default
    return bool(value) != bool(default)
