"""Checks the arguments of the public methods, by a table from parameter to kind.

None stands for the parameter's default wherever it has no meaning of its own.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Mapping
from typing import Any, Callable, Dict, List, Optional, TypeVar, cast

from .._backends.remote import checked_servers
from .._capi import constants
from . import adapters, control_vectors, kinds, sampling
from .kinds import Kind, flag, integer, number, refused
from .speculative_options import SpeculativeOptions

_Function = TypeVar("_Function", bound=Callable[..., Any])

_MAX_THREADS = 512  # ggml.h: GGML_MAX_N_THREADS
# Or is wrong: n_gpu_layers has more values than one that None could stand for, and says so itself.
_NONE_HAS_A_MEANING = frozenset(("flash_attn", "max_tokens", "n_gpu_layers", "rope_scaling_type"))


@functools.lru_cache(maxsize=None)
def _one_of_constants(prefix: str) -> Kind:
    names = [name for name in vars(constants) if name.startswith(prefix)]
    return kinds.one_of(*(getattr(constants, name) for name in names if "COUNT" not in name))


def _constants(prefix: str) -> Kind:
    """One of the constants of llama.h and ggml.h with this prefix, but for the count of them."""
    return lambda name, value: _one_of_constants(prefix)(name, value)


def _threads(name: str, value: Any) -> int:
    count = integer(high=_MAX_THREADS, takes="a number of threads")(name, value)
    return max(count, 0)  # as llama.cpp's programs: negative is the default, like 0


def _flash_attn(name: str, value: Any) -> Any:
    return value if value == "auto" else flag(name, value)


def _numa(name: str, value: Any) -> Any:
    return value if isinstance(value, bool) else _constants("GGML_NUMA_STRATEGY_")(name, value)


def _devices(name: str, value: Any) -> List[str]:
    """Names of devices, also with commas between them as llama.cpp's programs take them."""
    found = kinds.text_or_texts(name, value)
    found = [each.strip() for each in found.split(",")] if isinstance(found, str) else found
    if not found:
        raise refused(ValueError, name, 'at least one name of a device, or "none"', value)
    return found


def _rpc_servers(name: str, value: Any) -> List[str]:
    found = kinds.text_or_texts(name, value)
    return checked_servers(name, found) if found else []


def _tensor_overrides(name: str, value: Any) -> Dict[str, str]:
    found = kinds.mapping("a dict from a pattern of tensor names to a buffer type")(name, value)
    return {
        kinds.text(f"A key of {name}", key): kinds.text(f"{name}[{key!r}]", each)
        for key, each in found.items()
    }


def _imatrix(name: str, value: Any) -> Any:
    return value if isinstance(value, Mapping) else kinds.path(name, value)


def _symlinks(name: str, value: Any) -> Any:
    return value if value == "auto" else flag(name, value)


_CACHE = kinds.with_methods(
    "a BaseLlamaCache (with [key], [key] = value, and key in cache), or None",
    *("__getitem__", "__setitem__", "__contains__"),
)


def _cache(name: str, value: Any) -> Any:
    return value if value is None else _CACHE(name, value)


def _filename(name: str, value: Any) -> Any:
    return value if value is None else kinds.text(name, value)


def _response_format(name: str, value: Any) -> Dict[str, Any]:
    return kinds.mapping('a dict such as {"type": "json_object"}')(name, value)


def _stream_options(name: str, value: Any) -> Dict[str, bool]:
    options = kinds.mapping('a dict such as {"include_usage": True}')(name, value)
    known = ("include_usage", "include_obfuscation")  # the latter means nothing without a network
    for key in options:
        if key not in known:
            raise ValueError(
                f'{name} has {key!r}, which does not exist\nPass {name}={{"include_usage": True}}.'
            )
    return {key: flag(f"{name}[{key!r}]", on) for key, on in options.items() if on is not None}


def _template_kwargs(name: str, value: Any) -> Dict[str, Any]:
    found = kinds.mapping("a dict of variables for the chat template")(name, value)
    for key in found:
        kinds.text(f"A key of {name}", key)
    return found


def _choice(name: str, value: Any) -> Any:
    if isinstance(value, (str, dict)):
        return value
    raise refused(TypeError, name, "a string or a dict", value)


def _media_policy(name: str, value: Any) -> Any:
    from .._media.policy import MediaPolicy

    if not isinstance(value, MediaPolicy):
        raise refused(TypeError, name, "a llama_cpp.MediaPolicy", value)
    return value


def _draft_model(name: str, value: Any) -> Any:
    if hasattr(value, "create_completion"):  # a Llama, which can be called, too
        error = refused(TypeError, name, "a LlamaDraftModel", value)
        raise TypeError(f"{error}\nPass the path of the draft model, or a function that guesses.")
    if isinstance(value, (str, bytes, os.PathLike, SpeculativeOptions)):
        return value
    if not callable(value):
        raise refused(
            TypeError, name, "a path, a name, SpeculativeOptions or a LlamaDraftModel", value
        )
    return value


_ANY_COUNT = integer(-(2**63), 2**63 - 1)

_MODEL: Dict[str, Kind] = {
    "model_path": kinds.path,
    "split_mode": _constants("LLAMA_SPLIT_MODE_"),
    "main_gpu": integer(),
    "tensor_split": kinds.numbers,
    "vocab_only": flag,
    "use_mmap": flag,
    "use_mlock": flag,
    "kv_overrides": kinds.mapping("a dict from metadata key to value"),
    "n_ctx": integer(),  # a ContextError says which are too small
    "n_batch": integer(),
    "n_ubatch": integer(),
    "n_threads": _threads,
    "n_threads_batch": _threads,
    "rope_scaling_type": kinds.one_of(-1, 0, 1, 2, 3),
    "pooling_type": kinds.one_of(-1, 0, 1, 2, 3, 4),
    "attention_type": kinds.one_of(-1, 0, 1),
    "rope_freq_base": number(low=0),
    "rope_freq_scale": number(low=0),
    "yarn_ext_factor": number(),
    "yarn_attn_factor": number(),
    "yarn_beta_fast": number(),
    "yarn_beta_slow": number(),
    "yarn_orig_ctx": integer(low=0),
    "logits_all": flag,
    "embedding": flag,
    "offload_kqv": flag,
    "flash_attn": _flash_attn,
    "op_offload": flag,
    "swa_full": flag,
    "no_perf": flag,
    "last_n_tokens_size": integer(low=-1),
    "lora_base": kinds.path,
    "lora_scale": number(),
    "lora_path": kinds.path,
    "numa": _numa,
    "chat_format": kinds.text,
    "chat_handler": kinds.function,
    "draft_model": _draft_model,
    "tokenizer": kinds.with_methods(
        "a BaseLlamaTokenizer (with tokenize() and detokenize())", "tokenize", "detokenize"
    ),
    "type_k": _constants("GGML_TYPE_"),
    "type_v": _constants("GGML_TYPE_"),
    "spm_infill": flag,
    "verbose": flag,
    "devices": _devices,
    "rpc_servers": _rpc_servers,
    "tensor_buft_overrides": _tensor_overrides,
    "cpu_moe": flag,
    "n_cpu_moe": integer(low=0),
    "check_tensors": flag,
    "use_extra_bufts": flag,
    "no_host": flag,
    "load_mtp": flag,
    "lazy_mode": _constants("LLAMA_LAZY_MODE_"),
    "progress_callback": kinds.function,
    "n_seq_max": integer(low=1),
    "n_rs_seq": integer(low=0),
    "n_outputs_max": integer(low=1),
    "kv_unified": flag,
    "ctx_checkpoints": integer(low=0),
    "checkpoint_interval": integer(low=1),
    "checkpoint_bytes": integer(low=0),
    "flash_attn_type": _constants("LLAMA_FLASH_ATTN_TYPE_"),
    "abort_callback": kinds.function,
    "mmproj_path": kinds.path,
    "mmproj_use_gpu": flag,
    "image_min_tokens": integer(low=1),
    "image_max_tokens": integer(low=1),
    "media_policy": _media_policy,
    "repo_id": kinds.text,
    "filename": _filename,
    "additional_files": kinds.texts,
    "local_dir": kinds.path,
    "local_dir_use_symlinks": _symlinks,
    "cache_dir": kinds.path,
    "mmproj_filename": kinds.text,
}

_CALLS: Dict[str, Kind] = {
    "text": kinds.encoded,
    "tokens": kinds.tokens,
    "prev_tokens": kinds.tokens,
    "add_bos": flag,
    "special": flag,
    "idx": integer(),
    "reset": flag,
    "prompt": kinds.prompt,
    "suffix": kinds.text,
    "max_tokens": _ANY_COUNT,
    "logprobs": integer(low=0),
    "echo": flag,
    "stop": kinds.stops,
    "stream": flag,
    "stream_options": _stream_options,
    "n": integer(low=1),
    "model": kinds.text,
    "loras": adapters.scales,
    "path": kinds.path,
    "name": kinds.text,
    "vectors": control_vectors.files,
    "layer_start": integer(),
    "layer_end": integer(),
    "input": kinds.text_or_texts,
    "normalize": flag,
    "truncate": flag,
    "return_count": flag,
    "query": kinds.text,
    "documents": kinds.texts,
    "cache": _cache,
    "state": kinds.with_methods(
        "a LlamaState, as save_state() returns", "input_ids", "n_tokens", "llama_state", "scores"
    ),
}

_CHAT: Dict[str, Kind] = {
    "messages": kinds.records('a list of dicts with "role" and "content"'),
    "functions": kinds.records("a list of dicts, OpenAI's functions"),
    "function_call": _choice,
    "tools": kinds.records("a list of dicts, OpenAI's tools"),
    "tool_choice": _choice,
    "response_format": _response_format,
    "top_logprobs": integer(low=0),
    "max_completion_tokens": _ANY_COUNT,
    "chat_template_kwargs": _template_kwargs,
    "reasoning_format": kinds.word("none", "auto", "deepseek", "deepseek-legacy"),  # of chat.h
    "reasoning_budget": integer(low=-1),
    "reasoning_effort": kinds.text,
    "parallel_tool_calls": flag,
}

_QUANTIZE: Dict[str, Kind] = {
    "output_path": kinds.path,
    "imatrix": _imatrix,
    "tensor_types": kinds.mapping("a dict from a pattern of tensor names to a type"),
    "prune_layers": kinds.tokens,
    "allow_requantize": flag,
    "pure": flag,
    "keep_split": flag,
}

KINDS: Dict[str, Kind] = {**_MODEL, **sampling.KINDS, **_CALLS, **_CHAT, **_QUANTIZE}
CHAT_KINDS: Dict[str, Kind] = {**sampling.KINDS, **_CALLS, **_CHAT, "logprobs": flag}


def checked(function: _Function) -> _Function:
    """Decorator: every argument goes through its kind in KINDS before the method sees it."""
    return _checked(function, KINDS)


def checked_chat(function: _Function) -> _Function:
    """Decorator like checked(), for methods whose parameters are those of a chat."""
    return _checked(function, CHAT_KINDS)


def _checked(function: _Function, table: Mapping[str, Kind]) -> _Function:
    parameters = inspect.signature(function).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    order = list(parameters)

    def convert(name: str, value: Any) -> Any:
        if value is None:
            default = defaults.get(name)
            if default is not inspect.Parameter.empty:
                return value if name in _NONE_HAS_A_MEANING else default
        kind = table.get(name)
        return value if kind is None else kind(name, value)

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        positional = [convert(name, value) for name, value in zip(order, given)]
        positional.extend(given[len(order) :])
        for name in named:
            named[name] = convert(name, named[name])
        return function(*positional, **named)

    return cast(_Function, call)


def includes_usage(stream_options: Optional[Mapping[str, bool]]) -> bool:
    """Returns whether checked stream_options ask for the usage."""
    return bool(stream_options) and stream_options.get("include_usage", False)


def require_stream(stream: bool, stream_options: Optional[Mapping[str, bool]]) -> None:
    """Raises ValueError for stream_options without a stream, as OpenAI's API does."""
    if stream_options is not None and not stream:
        raise ValueError(
            "stream_options is only allowed with stream=True\n"
            "Pass stream=True, or leave stream_options out: a whole answer has its usage."
        )


def check_chat(arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the arguments of a chat handler, each checked; None is left to the handler."""
    return {
        name: CHAT_KINDS[name](name, value) if value is not None and name in CHAT_KINDS else value
        for name, value in arguments.items()
    }
