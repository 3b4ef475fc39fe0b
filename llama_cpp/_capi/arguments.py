"""Arguments of C functions that may be objects of this package."""

from __future__ import annotations

import ctypes
import re
from typing import Any, NamedTuple, Optional, Protocol, Union

from .. import _core
from .._errors import ContextError


class ModelPointer(ctypes.c_void_p):
    """Parameter ``struct llama_model *``."""


class ContextPointer(ctypes.c_void_p):
    """Parameter ``struct llama_context *``."""


class VocabPointer(ctypes.c_void_p):
    """Parameter ``const struct llama_vocab *``."""


class Token(ctypes.c_int32):
    """Parameter ``llama_token``."""


class Vocab(int):
    """Address of a model's vocabulary; a call with it uses that model."""

    def __new__(cls, model: _core.Model) -> Vocab:
        vocab = super().__new__(cls, _core.Lease(model).vocab)
        vocab.model = model
        return vocab

    model: _core.Model


class Owner(Protocol):
    """An object such as ``Llama._model`` that stands for a model or a context in C calls."""

    @property
    def _as_parameter_(self) -> Any: ...


_Address = Union[int, ctypes.c_void_p, None]
ModelLike = Union[_core.Model, Owner, _Address]
ContextLike = Union[_core.Context, Owner, _Address]
VocabLike = Union[Vocab, _core.Model, Owner, _Address]
Buffer = Union[bytes, "ctypes.Array[ctypes.c_char]", ctypes.c_char_p, None]

# Parameter -> the class of this package that it takes.
_POINTERS = {
    ContextPointer: _core.Context,
    ModelPointer: _core.Model,
    VocabPointer: _core.Model,
}


# GGML_ABORT in llama_hparams::n_head() for a model without layers; an adapter needs tensors.
_NEED_WEIGHTS = frozenset(
    (
        *("llama_adapter_lora_init", "llama_model_n_head", "llama_model_n_head_kv"),
        *("llama_model_save_to_file", "llama_n_head"),
    )
)


_LEAST = -(2**31)  # ctypes would cut off the upper half of a smaller one
_ADDRESSES = (ctypes.c_char_p, ctypes.c_void_p, ctypes.c_wchar_p)
# A number of elements, when it follows a pointer to the first of them.
_SIZE = re.compile(r"num_\w+|n_(?!past$)\w+|(\w+_)?(len|size)|length|text_len_max")
# A second array with the size of another one: indexes of the array and of its size.
_MORE_ARRAYS = {"llama_set_adapters_lora": (3, 2)}
# Arrays of token ids that llama.cpp looks up without a check: indexes of the array and its size.
_TOKEN_ARRAYS = {"llama_detokenize": ((1, 2),)}
# Numbers for which llama.cpp takes memory at once: index and greatest value. A history has that of
# native/core/sampler.cpp, threads that of ggml.h (GGML_MAX_N_THREADS).
_LONGEST_HISTORY = 1 << 24
MOST_THREADS = 512
_LIMITS = {
    "llama_sampler_init_dry": ((4, _LONGEST_HISTORY),),
    "llama_sampler_init_penalties": ((1, _LONGEST_HISTORY),),
    "llama_set_n_threads": ((1, MOST_THREADS), (2, MOST_THREADS)),
}
# Pointers that may be NULL (llama.h); arrays of no elements are others.
_OPTIONAL = {
    "llama_model_chat_template": (1,),
    "llama_set_adapter_cvec": (1,),
    "llama_set_sampler": (2,),
}


class Parameters(NamedTuple):
    """Where a function has parameters that are checked.

    Attributes:
        pointers: index and type of those that may be an object of this package.
        tokens: indexes of the token ids.
        token_arrays: indexes of arrays of token ids, and of their sizes.
        arrays: indexes of arrays and of their sizes.
        required: indexes of other pointers that may not be NULL.
        limits: indexes of numbers, and their greatest values.
        needs_weights: whether llama.cpp stops the process for a model without weights.
    """

    pointers: tuple[tuple[int, type[ctypes.c_void_p]], ...]
    tokens: tuple[int, ...]
    token_arrays: tuple[tuple[int, int], ...]
    arrays: tuple[tuple[int, int], ...]
    required: tuple[int, ...]
    limits: tuple[tuple[int, int], ...]
    needs_weights: bool


def checked_parameters(name: str, types: list[Any], names: list[str]) -> Optional[Parameters]:
    """Returns the parameters to check of a function with these `argtypes`; None without any."""
    pointers = tuple((index, kind) for index, kind in enumerate(types) if kind in _POINTERS)
    tokens = tuple(index for index, kind in enumerate(types) if kind is Token)
    arrays = [
        (index - 1, index)
        for index in range(1, len(types))
        if _is_pointer(types[index - 1]) and _SIZE.fullmatch(names[index])
    ]
    arrays += [_MORE_ARRAYS[name]] if name in _MORE_ARRAYS else []
    if not pointers and not arrays and name not in _LIMITS:
        return None
    no_array = set(range(len(types))) - {index for index, _ in arrays}
    required = sorted(no_array - set(_OPTIONAL.get(name, ())))
    return Parameters(
        pointers,
        tokens,
        _TOKEN_ARRAYS.get(name, ()),
        tuple(pair for pair in arrays if pair[0] not in _OPTIONAL.get(name, ())),
        tuple(index for index in required if _is_pointer(types[index])),
        _LIMITS.get(name, ()),
        name in _NEED_WEIGHTS,
    )


def _is_pointer(kind: Any) -> bool:
    """Returns whether a parameter is a text or a pointer to something with declared members."""
    return kind is ctypes.c_char_p or hasattr(kind, "contents")


def owner(value: Any) -> Union[_core.Model, _core.Context, None]:
    """Returns the object of this package that an argument stands for; None for an address."""
    if isinstance(value, (_core.Model, _core.Context)):
        return value
    if isinstance(value, Vocab):
        return value.model
    if value is None or isinstance(value, (int, ctypes.c_void_p)):
        return None
    found = getattr(value, "_as_parameter_", None)
    return None if found is None else owner(found)


def convert(parameters: Parameters, arguments: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    """Returns the arguments for ctypes, and the leases to keep until the call has ended.

    Token ids are checked if one of the other arguments is an object of this package.

    Raises:
        ClosedError: an object is closed.
        ContextError: the function needs weights, and the model was loaded with vocab_only=True.
        BusyError: another thread uses the context.
        TokenizeError: the model has no such token.
        TypeError: an argument is neither the object nor an address.
        ValueError: an address is NULL, an array has fewer elements than its size says, or a number
            is above its limit.
    """
    for index in parameters.required:
        if arguments[index] is None:
            raise _null(index)
    for index, size in parameters.arrays:
        _check_size(index, arguments[index], size, arguments[size])
    for index, most in parameters.limits:
        value = _number(arguments[index])
        if isinstance(value, int) and not _LEAST <= value <= most:
            raise ValueError(f"argument {index + 1} has to be {most} or less, not {value}")
    converted = list(arguments)
    leases = []
    for index, kind in parameters.pointers:
        found = owner(arguments[index])
        if found is None:
            _check_address(index, arguments[index])
            continue
        expected = _POINTERS[kind]
        if not isinstance(found, expected):
            raise TypeError(
                f"argument {index + 1} is a {type(found).__name__}, not a {expected.__name__}"
            )
        taken = _core.Lease(found)
        if parameters.needs_weights and not taken.has_weights:
            raise ContextError("the model was loaded with vocab_only=True, so it has no layers")
        converted[index] = taken.vocab if kind is VocabPointer else taken.address
        leases.append(taken)
    if leases:
        for index in parameters.tokens:
            leases[0].check_token(_number(arguments[index]))
        for index, size in parameters.token_arrays:
            _check_tokens(leases[0], arguments[index], _number(arguments[size]))
    return converted, leases


def _number(value: Any) -> Any:
    """Returns the value of a number of ctypes; anything else unchanged."""
    return getattr(value, "value", value)


def _check_tokens(lease: _core.Lease, array: Any, size: Any) -> None:
    """Checks token ids in an array of ctypes, in byref() of one, or behind a pointer."""
    array = getattr(array, "_obj", array)
    if isinstance(size, int) and isinstance(array, (ctypes.Array, ctypes._Pointer)):
        for token in array[:size]:
            lease.check_token(token)


def _check_address(index: int, value: Any) -> None:
    if isinstance(value, (str, bytes)):  # whose address ctypes would take
        raise TypeError(f"argument {index + 1} is a {type(value).__name__}, not an address")
    if value is None or value == 0 or (isinstance(value, ctypes.c_void_p) and not value.value):
        raise _null(index)


def _null(index: int) -> ValueError:
    return ValueError(f"argument {index + 1} is NULL; what made it has failed")


def _check_size(index: int, array: Any, size_index: int, size: Any) -> None:
    """Checks the size of a NULL, of bytes, and of an array of ctypes, alone or in byref()."""
    size = _number(size)
    if not isinstance(size, int):
        return  # ctypes refuses it
    array = getattr(array, "_obj", array)
    if array is None:
        count = 0
    elif isinstance(array, (bytes, ctypes.Array)):
        count = len(array)
    elif isinstance(array, ctypes._SimpleCData) and not isinstance(array, _ADDRESSES):
        count = 1
    else:
        return  # an address, with any number of elements behind it
    if not 0 <= size <= count:
        raise ValueError(
            f"argument {index + 1} has {count} elements, and argument {size_index + 1} says {size}"
            "\nPass a larger array, or its true size."
        )
