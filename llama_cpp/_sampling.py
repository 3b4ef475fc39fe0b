"""From the sampling arguments of :class:`llama_cpp.Llama` to llama.cpp's sampler."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from . import _core

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
    if not repeat_penalty > 0:  # also catches NaN
        raise ValueError(f"repeat_penalty has to be greater than 0 (1.0: none): {repeat_penalty}")
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
        params.logit_bias = {int(token): float(bias) for token, bias in logit_bias.items()}
    for name, value in (extras or {}).items():
        setattr(params, name, value)
    return params


def check_extras(extras: Dict[str, Any]) -> None:
    """Raise ValueError for a name that llama.cpp's sampling parameters do not have."""
    known = [name for name in dir(_core.SamplingParams) if not name.startswith("_")]
    for name in extras:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"llama.cpp has no sampling parameter {name!r}; did you mean {nearest!r}?"
                f" All: {', '.join(known)}"
            )
