"""Writing a copy of a model with smaller weights."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Dict, List, Optional, Union

from .. import _core
from .._backends.required import require_ready
from .._capi import constants, llama_h
from .._capi.params import KV_OVERRIDES
from .._numpy import np
from . import kinds, paths
from .arguments import checked
from .imatrix import Imatrix, read_imatrix
from .loading import load_vocabulary

__all__ = ["quantize"]

_FTYPES = ("LLAMA_FTYPE_MOSTLY_", "LLAMA_FTYPE_ALL_")
_TYPES = ("GGML_TYPE_",)
# Types of activations and indices, for which ggml has no quantisation.
_NO_WEIGHTS = frozenset(
    f"GGML_TYPE_{name}" for name in ("COUNT", "F64", "I8", "I16", "I32", "I64", "Q8_1", "Q8_K")
)


@checked
def quantize(
    model_path: paths.StrPath,
    output_path: paths.StrPath,
    ftype: Union[int, str],
    *,
    imatrix: Optional[Union[paths.StrPath, Dict[str, Any]]] = None,
    tensor_types: Optional[Dict[str, Union[int, str]]] = None,
    output_tensor_type: Optional[Union[int, str]] = None,
    token_embedding_type: Optional[Union[int, str]] = None,
    kv_overrides: Optional[Dict[str, Union[bool, int, float, str]]] = None,
    prune_layers: Optional[List[int]] = None,
    n_threads: Optional[int] = None,
    allow_requantize: bool = False,
    pure: bool = False,
    keep_split: bool = False,
) -> None:
    """Writes a quantized copy of a GGUF model.

    Args:
        model_path: the model.
        output_path: the file to write.
        ftype: LLAMA_FTYPE_*, or its name: "Q4_K_M", "Q8_0", "F16".
        imatrix: a file of llama.cpp's llama-imatrix, or tensor name -> importance of its columns
            (of each expert, one after the other). The smallest types need one.
        tensor_types: regular expression -> type (GGML_TYPE_*, or its name such as "Q6_K") of the
            tensors in whose name it occurs; the first that fits counts.
        output_tensor_type: type of the output matrix; default llama.cpp's choice.
        token_embedding_type: type of the embedding; default llama.cpp's choice.
        kv_overrides: metadata to replace or add; whole numbers are stored with 32 bits.
        prune_layers: layers to leave out, by their numbers from 0 on.
        n_threads: default all hardware threads.
        allow_requantize: take a model whose weights are quantized already, at a loss.
        pure: use one type for all matrices.
        keep_split: write as many files as the model has.

    Raises:
        ModelLoadError: the model or the importance matrix is missing or damaged.
        LlamaError: the model cannot be quantized like this; with llama.cpp's reason.
        ValueError: there is no such type, or no such layer.
    """
    require_ready()
    params = llama_h.llama_model_quantize_default_params()
    params.ftype = _number("ftype", ftype, _FTYPES)
    params.nthread = n_threads or 0
    params.allow_requantize = allow_requantize
    params.pure = pure
    params.keep_split = keep_split
    if output_tensor_type is not None:
        params.output_tensor_type = _number("output_tensor_type", output_tensor_type, _TYPES)
    if token_embedding_type is not None:
        params.token_embedding_type = _number("token_embedding_type", token_embedding_type, _TYPES)
    if imatrix is not None:
        params.imatrix = _imatrix(_checked_imatrix(imatrix))
    if tensor_types:
        params.tt_overrides = _tensor_overrides(tensor_types)
    if kv_overrides:
        params.kv_overrides = _kv_overrides(kv_overrides)
    if prune_layers:
        layers = _checked_layers(prune_layers, model_path)
        params.prune_layers = (ctypes.c_int32 * (len(layers) + 1))(*layers, -1)
    _core.quantize(model_path, output_path, ctypes.addressof(params))


def _number(name: str, value: Union[int, str], prefixes: Any) -> int:
    """Returns the number of a type that is given by its name, or by its number."""
    known = {
        constant[len(prefix) :]: number
        for constant, number in vars(constants).items()
        for prefix in prefixes
        if constant.startswith(prefix) and constant not in _NO_WEIGHTS
    }
    if isinstance(value, str):
        if value.upper() not in known:
            nearest = kinds.nearest(value.upper(), known)
            raise ValueError(
                f"{name} is {value!r}, which is no type\nDid you mean {nearest!r}? All:"
                f" {', '.join(known)}."
            )
        return known[value.upper()]
    return kinds.one_of(*known.values())(name, value)


def _imatrix(imatrix: Imatrix) -> Any:
    """Returns llama.cpp's form, an array that ends with an entry without a name."""
    array = (llama_h.llama_model_imatrix_data * (len(imatrix) + 1))()
    for entry, (name, values) in zip(array, imatrix.items()):
        entry.name = name.encode()
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        entry.size = len(values)
    array.values = imatrix  # the memory that the entries lead to
    return array


def _checked_imatrix(imatrix: Any) -> Imatrix:
    if not isinstance(imatrix, Mapping):
        return read_imatrix(imatrix)
    found = {}
    for name, values in imatrix.items():
        try:
            array = np.ascontiguousarray(values, np.float32).ravel()
        except (TypeError, ValueError):
            takes = "an array of numbers"
            raise kinds.refused(TypeError, f"imatrix[{name!r}]", takes, values) from None
        found[kinds.text("A key of imatrix", name)] = array
    return found


def _tensor_overrides(types: Dict[str, Union[int, str]]) -> Any:
    array = (llama_h.llama_model_tensor_override * (len(types) + 1))()
    for entry, (pattern, value) in zip(array, types.items()):
        entry.pattern = kinds.text("A key of tensor_types", pattern).encode()
        entry.type = _number(f"tensor_types[{pattern!r}]", value, _TYPES)
    return array


def _kv_overrides(overrides: Dict[str, Any]) -> Any:
    array = (llama_h.llama_model_kv_override * (len(overrides) + 1))()
    for entry, (key, value) in zip(array, overrides.items()):
        entry.key = _short(f"The key {key!r} of kv_overrides", key)
        kind = next((kind for kind in KV_OVERRIDES if isinstance(value, kind)), str)
        entry.tag, member = KV_OVERRIDES[kind]
        setattr(entry, member, _override(f"kv_overrides[{key!r}]", kind, value))
    return array


def _override(name: str, kind: type, value: Any) -> Union[bool, int, float, bytes]:
    if kind is int:
        return kinds.integer(0, 2**32 - 1)(name, value)
    return _short(name, value) if kind is str else value


def _short(name: str, value: Any) -> bytes:
    text = kinds.text(name, value).encode()
    if not 0 < len(text) < 128 or b"\0" in text:
        raise ValueError(f"{name} has to be 1 to 127 bytes long as UTF-8, without NUL characters")
    return text


def _checked_layers(layers: List[int], model_path: paths.StrPath) -> List[int]:
    count = _layer_count(model_path)
    for layer in layers:
        if not 0 <= layer < count:
            raise ValueError(
                f"prune_layers contains {layer}, and the layers of this model are 0 to {count - 1}"
            )
    if len(set(layers)) == count:
        raise ValueError("prune_layers contains all layers of this model: leave some")
    return sorted(set(layers))


def _layer_count(model_path: paths.StrPath) -> int:
    model = load_vocabulary(model_path)
    metadata = model.metadata()
    model.close()
    return int(metadata[f"{metadata['general.architecture']}.block_count"])
