"""Arguments of C functions that may be objects of this package."""

from __future__ import annotations

import ctypes
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


# GGML_ABORT in llama_hparams::n_head() for a model without layers.
_NEED_WEIGHTS = frozenset(("llama_model_n_head", "llama_model_n_head_kv", "llama_n_head"))


class Parameters(NamedTuple):
    """Where a function has parameters that are checked.

    Attributes:
        pointers: index and type of those that may be an object of this package.
        tokens: indexes of the token ids.
        needs_weights: whether llama.cpp stops the process for a model without weights.
    """

    pointers: tuple[tuple[int, type[ctypes.c_void_p]], ...]
    tokens: tuple[int, ...]
    needs_weights: bool


def checked_parameters(name: str, types: list[Any]) -> Optional[Parameters]:
    """Returns the parameters to check of a function with these `argtypes`; None without any."""
    pointers = tuple((index, kind) for index, kind in enumerate(types) if kind in _POINTERS)
    tokens = tuple(index for index, kind in enumerate(types) if kind is Token)
    return Parameters(pointers, tokens, name in _NEED_WEIGHTS) if pointers else None


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
        ValueError: an address is NULL.
    """
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
            leases[0].check_token(getattr(arguments[index], "value", arguments[index]))
    return converted, leases


def _check_address(index: int, value: Any) -> None:
    if isinstance(value, (str, bytes)):  # whose address ctypes would take
        raise TypeError(f"argument {index + 1} is a {type(value).__name__}, not an address")
    if value is None or value == 0 or (isinstance(value, ctypes.c_void_p) and not value.value):
        raise ValueError(f"argument {index + 1} is NULL; what made it has failed")
