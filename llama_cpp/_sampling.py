"""From the sampling arguments of :class:`llama_cpp.Llama` to llama.cpp's sampler."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from . import _core, _kinds
from ._kinds import Kind, integer, number, refused

if TYPE_CHECKING:
    from .llama_grammar import LlamaGrammar

# The order of llama-cpp-python. A dictionary of extras switches to llama.cpp's longer chain.
SAMPLERS = ["penalties", "top_k", "typ_p", "top_p", "min_p", "temperature"]
SAMPLERS_WITH_EXTRAS = [
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
        (found,) = _kinds.tokens(name, [token])
    except TypeError:
        raise refused(TypeError, f"A key of {name}", "a token id", token) from None
    return found


def _bias(name: str, bias: Any) -> float:
    if isinstance(bias, float) and bias == -math.inf:
        return -math.inf
    return _ANY_NUMBER(f"A value of {name}", bias)


_ANY_NUMBER = number()
SEED = integer(-(2**63), 2**64 - 1)  # llama.cpp uses its lowest 32 bits

# How Llama's methods take their sampling parameters.
KINDS: Dict[str, Kind] = {
    "temp": number(),
    "temperature": number(),
    "top_k": integer(),
    "top_p": number(low=0),
    "min_p": number(low=0),
    "typical_p": number(low=0),
    "repeat_penalty": number(above=0),
    "frequency_penalty": number(),
    "presence_penalty": number(),
    "tfs_z": number(),
    "mirostat_mode": _kinds.one_of(0, 1, 2),
    "mirostat_tau": number(low=0),
    "mirostat_eta": number(low=0),
    "penalize_nl": _kinds.flag,
    "seed": SEED,
    "grammar": _grammar,
    "logit_bias": _logit_bias,
    "logits_processor": _kinds.functions,
    "stopping_criteria": _kinds.functions,
}


def make_params(
    *,
    seed: int,
    last_n: int,
    top_k: int,
    top_p: float,
    min_p: float,
    typical_p: float,
    temp: float,
    repeat_penalty: float,
    frequency_penalty: float,
    presence_penalty: float,
    mirostat_mode: int,
    mirostat_tau: float,
    mirostat_eta: float,
    grammar: Optional[Union[LlamaGrammar, str]] = None,
    logit_bias: Optional[Dict[int, float]] = None,
    extras: Optional[Dict[str, Any]] = None,
) -> _core.SamplingParams:
    """Return llama.cpp's sampling parameters; `extras` are set last, by llama.cpp's names.

    `temp` < 0 draws from the plain distribution after the penalties, 0 takes the best token.
    """
    params = _core.SamplingParams()
    params.seed = seed & 0xFFFFFFFF
    params.samplers = SAMPLERS_WITH_EXTRAS if extras else SAMPLERS
    params.penalty_last_n = last_n
    params.penalty_repeat = repeat_penalty
    params.penalty_freq = frequency_penalty
    params.penalty_present = presence_penalty
    params.top_k = top_k
    params.typ_p = typical_p
    params.top_p = top_p
    params.min_p = min_p
    params.temp = temp
    if mirostat_mode and temp > 0:
        params.mirostat = mirostat_mode
        params.mirostat_tau = mirostat_tau
        params.mirostat_eta = mirostat_eta
        params.temp = (
            1.0  # mirostat sets its own sharpness; a temperature before it would act twice
        )
    if grammar is not None:
        params.grammar = grammar if isinstance(grammar, str) else grammar._grammar
    if logit_bias:
        params.logit_bias = logit_bias
    for name, value in (extras or {}).items():
        _set_extra(params, name, value)
    return params


def _set_extra(params: _core.SamplingParams, name: str, value: Any) -> None:
    shown = f"sampling_extras[{name!r}]"
    default = getattr(params, name)
    if isinstance(default, float):
        value = _ANY_NUMBER(shown, value)
    try:
        setattr(params, name, value)
    except TypeError:
        raise refused(TypeError, shown, f"of the type of {default!r}", value) from None


def check_extras(extras: Dict[str, Any]) -> None:
    """Raise ValueError for a name that llama.cpp's sampling parameters do not have."""
    if not isinstance(extras, Mapping):
        raise refused(TypeError, "sampling_extras", "a dict", extras)
    known = [name for name in dir(_core.SamplingParams) if not name.startswith("_")]
    for name in extras:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"llama.cpp has no sampling parameter {name!r}; did you mean {nearest!r}?"
                f" All: {', '.join(known)}"
            )
