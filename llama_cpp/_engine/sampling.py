"""How tokens are drawn: the sampling arguments of one call, and llama.cpp's form of them."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any, Dict, List, Optional, Union

from .. import _core
from . import kinds
from .grammar import LlamaGrammar
from .kinds import Kind, integer, number, refused

# The order of llama-cpp-python. Further parameters switch to llama.cpp's longer chain.
SAMPLERS = ["penalties", "top_k", "typ_p", "top_p", "min_p", "temperature"]
SAMPLERS_WITH_MORE = [
    "penalties",
    "dry",
    "top_n_sigma",
    "top_k",
    "typ_p",
    "top_p",
    "min_p",
    "xtc",
    "temperature",
]


def _grammar(name: str, value: Any) -> Any:
    if isinstance(value, str) or isinstance(getattr(value, "_grammar", None), str):
        return value
    raise refused(TypeError, name, "a LlamaGrammar or GBNF text", value)


def _logit_bias(name: str, value: Any) -> Dict[int, float]:
    """Token id -> number to add; JSON has the ids as strings. -inf forbids a token."""
    if not isinstance(value, Mapping):
        raise refused(TypeError, name, "a dict from token id to number", value)
    return {_biased_token(name, token): _bias(name, bias) for token, bias in value.items()}


def _biased_token(name: str, token: Any) -> int:
    if isinstance(token, str) and token.isascii() and token.isdigit():
        return int(token)
    try:
        (found,) = kinds.tokens(name, [token])
    except TypeError:
        raise refused(TypeError, f"A key of {name}", "a token id", token) from None
    return found


def _bias(name: str, bias: Any) -> float:
    if isinstance(bias, float) and bias == -math.inf:
        return -math.inf
    return _ANY_NUMBER(f"A value of {name}", bias)


_ANY_NUMBER = number()


def _option(default: Any, kind: Kind, native: str) -> Any:
    """Returns a field: its default, its kind, and llama.cpp's name of it."""
    return dataclasses.field(default=default, metadata={"kind": kind, "native": native})


@dataclasses.dataclass(frozen=True)
class Sampling:
    """The sampling arguments of one call, checked.

    Names and defaults are those of Llama.create_completion(), which explains them. `more` has
    further parameters by llama.cpp's names.
    """

    temperature: float = _option(0.8, number(), "temp")
    top_k: int = _option(40, integer(), "top_k")
    top_p: float = _option(0.95, number(low=0), "top_p")
    min_p: float = _option(0.05, number(low=0), "min_p")
    typical_p: float = _option(1.0, number(low=0), "typ_p")
    repeat_penalty: float = _option(1.0, number(above=0), "penalty_repeat")
    frequency_penalty: float = _option(0.0, number(), "penalty_freq")
    presence_penalty: float = _option(0.0, number(), "penalty_present")
    mirostat_mode: int = _option(0, kinds.one_of(0, 1, 2), "mirostat")
    mirostat_tau: float = _option(5.0, number(low=0), "mirostat_tau")
    mirostat_eta: float = _option(0.1, number(low=0), "mirostat_eta")
    grammar: Optional[Union[LlamaGrammar, str]] = _option(None, _grammar, "grammar")
    logit_bias: Optional[Dict[int, float]] = _option(None, _logit_bias, "logit_bias")
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def native(self, seed: int, last_n: int, extras: Mapping[str, Any]) -> _core.SamplingParams:
        """Returns llama.cpp's sampling parameters.

        Args:
            seed: llama.cpp uses its lowest 32 bits.
            last_n: the number of tokens that the penalties look at.
            extras: parameters for every call, by llama.cpp's names; `more` comes after them.
        """
        params = _core.SamplingParams()
        params.seed = seed & 0xFFFFFFFF
        params.penalty_last_n = last_n
        for field in _OPTIONS:
            value = getattr(self, field.name)
            if value is not None:
                setattr(params, field.metadata["native"], getattr(value, "_grammar", value))
        # Mirostat sets its own sharpness; a temperature before it would act twice.
        if self.mirostat_mode and self.temperature > 0:
            params.temp = 1.0
        else:
            params.mirostat = 0
        params.samplers = SAMPLERS_WITH_MORE if extras or self.more else SAMPLERS
        for name, value in extras.items():
            _set(params, name, value, f"sampling_extras[{name!r}]")
        for name, value in self.more.items():
            _set(params, name, value, name)
        return params


_OPTIONS = [field for field in dataclasses.fields(Sampling) if field.metadata]
# Chats set these together, from reasoning_budget and the tags of a template.
_OF_THOUGHTS = {
    f"reasoning_budget_{part}": "reasoning_budget" for part in ("tokens", "start", "end", "forced")
}
_NATIVE_NAMES = {
    **{field.metadata["native"]: field.name for field in _OPTIONS},
    **_OF_THOUGHTS,
}

# OpenAI's keywords about accounts, storage, price and speed of its service: an answer is the same
# with or without them, so they are accepted and have no effect, as in llama-server.
_OF_SERVICE = frozenset(
    (
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    )
)
# Those that an answer would have to follow.
_NOT_HERE = {
    "audio": "a model of text writes no sound",
    "best_of": "choices are not compared; n returns several",
    "modalities": "a model of text writes text only",
    "verbosity": "no model of llama.cpp is trained for it",
    "web_search_options": "there is no search",
}

# The kind of each sampling parameter of Llama's methods.
KINDS: Dict[str, Kind] = {
    **{field.name: field.metadata["kind"] for field in _OPTIONS},
    "temp": number(),
    "tfs_z": number(),
    "penalize_nl": kinds.flag,
    "seed": integer(-(2**63), 2**64 - 1),  # llama.cpp uses its lowest 32 bits
    "logits_processor": kinds.functions,
    "stopping_criteria": kinds.functions,
}


@functools.lru_cache(maxsize=None)
def _all_names() -> List[str]:
    """Returns the parameters of llama.cpp's sampler."""
    return [name for name in dir(_core.SamplingParams) if not name.startswith("_")]


@functools.lru_cache(maxsize=None)
def _more_names() -> List[str]:
    """Returns the parameters of llama.cpp's sampler that are no field of Sampling."""
    taken = {*_NATIVE_NAMES, "seed"}
    return [name for name in _all_names() if name not in taken]


def is_more(name: str) -> bool:
    """Whether Sampling.more takes a parameter of this name."""
    return name in _more_names()


def checked_more(method: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the sampling parameters among the keywords that `method` has no parameter for.

    OpenAI's keywords about its service are left out. TypeError, as for any unknown keyword, for
    others that llama.cpp's sampler does not have.
    """
    found = {name: value for name, value in given.items() if name not in _OF_SERVICE}
    for name in found:
        if name in _NOT_HERE:
            raise TypeError(
                f"{method}() cannot honour OpenAI's {name!r}: {_NOT_HERE[name]}\nLeave it out."
            )
        if not is_more(name):
            known = [*KINDS, *_more_names()]
            nearest = _NATIVE_NAMES.get(name) or kinds.nearest(name, known)
            raise TypeError(
                f"{method}() got an unexpected keyword argument {name!r}; did you mean {nearest!r}?"
            )
    return found


def _set(params: _core.SamplingParams, name: str, value: Any, shown: str) -> None:
    default = getattr(params, name)
    if isinstance(default, float):
        value = _ANY_NUMBER(shown, value)
    try:
        setattr(params, name, value)
    except TypeError:
        raise refused(TypeError, shown, f"of the type of {default!r}", value) from None


def check_extras(extras: Dict[str, Any]) -> None:
    """Raises ValueError for a name that llama.cpp's sampling parameters do not have."""
    if not isinstance(extras, Mapping):
        raise refused(TypeError, "sampling_extras", "a dict", extras)
    known = _all_names()
    for name in extras:
        if name not in known:
            raise ValueError(
                f"llama.cpp has no sampling parameter {name!r}; did you mean"
                f" {kinds.nearest(name, known)!r}?"
                f" All: {', '.join(known)}"
            )
