"""From the settings of a model to the arguments of Engine()."""

from __future__ import annotations

import os
import warnings
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple, Union

from .._engine import paths
from .._engine.speculative_options import NGRAM_SIMPLE, SpeculativeOptions, resolve
from .._serving.cache_types import type_name
from .chat_formats import template_of
from .settings import PING_SECONDS, ModelSettings, ServerSettings

# Settings that change nothing.
NO_EFFECT = frozenset(
    {
        *("cache_type", "hf_pretrained_model_name_or_path", "interrupt_requests", "logits_all"),
        *("lora_base", "mul_mat_q", "vocab_only"),
    }
)

_LOAD_MODES = {
    (False, False): "none",
    (False, True): "mlock",
    (True, False): "mmap",
    (True, True): "mmap+mlock",
}
_SPLIT_MODES = ("none", "layer", "row", "tensor")  # llama_split_mode of llama.h
_ROPE_SCALING = ("none", "linear", "yarn")  # llama_rope_scaling_type of llama.h, from 0
# ggml_numa_strategy of ggml-cpu.h, as far as llama-server has them.
_NUMA = {1: "distribute", 2: "isolate", 3: "numactl"}
# Settings that are an option of llama-server if they differ from their default -> the option, and
# its value.
_OPTIONS: Mapping[str, Tuple[str, Callable[[Any], str]]] = {
    "split_mode": ("--split-mode", _SPLIT_MODES.__getitem__),
    "main_gpu": ("--main-gpu", str),
    "tensor_split": ("--tensor-split", lambda each: ",".join(map(str, each))),
    "seed": ("--seed", lambda seed: str(seed & 0xFFFFFFFF)),
    "rope_freq_base": ("--rope-freq-base", str),
    "rope_freq_scale": ("--rope-freq-scale", str),
    "yarn_ext_factor": ("--yarn-ext-factor", str),
    "yarn_attn_factor": ("--yarn-attn-factor", str),
    "yarn_beta_fast": ("--yarn-beta-fast", str),
    "yarn_beta_slow": ("--yarn-beta-slow", str),
    "yarn_orig_ctx": ("--yarn-orig-ctx", str),
    "last_n_tokens_size": ("--repeat-last-n", str),
}


def engine_arguments(model: ModelSettings, server: ServerSettings) -> Dict[str, Any]:
    """Returns the keyword arguments of Engine(). Files of the hub are downloaded.

    Raises:
        ValueError: a setting has a value that the engine does not take.
        ImportError: the hub's package is needed and not installed.
    """
    path, projector = _files(model)
    return {"model_path": path, "mmproj_path": projector, **settings_arguments(model, server)}


def settings_arguments(model: ModelSettings, server: ServerSettings) -> Dict[str, Any]:
    """Returns the arguments that name no file of the hub. ValueError as engine_arguments()."""
    template = template_of(model)
    return {
        "n_parallel": model.n_parallel,
        "n_ctx": model.n_ctx,
        "n_batch": model.n_batch,
        "n_ubatch": model.n_ubatch,
        "n_threads": model.n_threads,
        "n_threads_batch": model.n_threads_batch or None,
        "n_gpu_layers": model.n_gpu_layers,
        "devices": model.devices,
        "rpc_servers": model.rpc_servers,
        "embedding": model.embedding or model.pooling == "rank",
        "pooling": model.pooling,
        "kv_unified": model.kv_unified,
        "flash_attn": model.flash_attn if "flash_attn" in model.model_fields_set else None,
        "type_k": type_name("type_k", model.type_k),
        "type_v": type_name("type_v", model.type_v),
        "loras": _loras(model),
        "chat_template": template.text,
        "chat_template_kwargs": model.chat_template_kwargs,
        "cache_ram_mib": model.cache_size >> 20 if model.cache else 0,
        "slot_save_path": model.slot_save_path,
        "model_alias": model.name,
        "draft_model": _draft(model),
        "media_policy": server.media_policy,
        "options": [*_options(model, server), *template.options, *model.llama_options],
        "verbose": model.verbose,
    }


def warn_of_no_effect(server: ServerSettings, models: Iterable[ModelSettings]) -> None:
    """Issues one warning that names the settings that are set and change nothing."""
    names = {
        name
        for settings in (server, *models)
        for name in NO_EFFECT & settings.model_fields_set
        if getattr(settings, name) != type(settings).model_fields[name].default
    }
    if names:
        warnings.warn(
            f"Settings without an effect here: {', '.join(sorted(names))}\n"
            "Leave them out; docs/moving.md says why.",
            stacklevel=3,
        )


def _files(model: ModelSettings) -> Tuple[str, Optional[str]]:
    """Returns the paths of model and projector; files of the hub are downloaded."""
    if model.hf_model_repo_id is None:
        return model.model, model.clip_model_path
    from .._pretrained import download

    files = [model.model] + ([model.clip_model_path] if model.clip_model_path else [])
    found = [
        download(model.hf_model_repo_id, name, None, local_dir=None, cache_dir=None)
        for name in files
    ]
    return found[0], found[1] if len(found) > 1 else None


def _options(model: ModelSettings, server: ServerSettings) -> List[str]:
    fields = type(model).model_fields
    options = ["--load-mode", _LOAD_MODES[model.use_mmap, model.use_mlock]]
    for name, (option, written) in _OPTIONS.items():
        value = getattr(model, name)
        if value is not None and value != fields[name].default:
            options += [option, written(value)]
    if model.rope_scaling_type >= 0:
        options += ["--rope-scaling", _ROPE_SCALING[model.rope_scaling_type]]
    for override in model.kv_overrides or ():
        options += ["--override-kv", override]
    if not model.offload_kqv:
        options.append("--no-kv-offload")
    if model.numa:
        options += ["--numa", _numa(model.numa)]
    options += ["--sse-ping-interval", str(-1 if server.disable_ping_events else PING_SECONDS)]
    return options


def _numa(numa: Union[bool, int]) -> str:
    try:
        return _NUMA[int(numa)]
    except KeyError:
        raise ValueError(
            f"numa is {numa}, which is no strategy\nTake 1 (distribute), 2 (isolate) or 3 (numactl)"
        ) from None


def _draft(model: ModelSettings) -> Optional[SpeculativeOptions]:
    """Returns how the model's drafts are made; a number of tokens that is set is their length."""
    count = model.draft_model_num_pred_tokens
    if model.draft_model == "prompt-lookup-decoding":
        # LlamaPromptLookupDecoding looks up two tokens at most.
        return SpeculativeOptions(types=NGRAM_SIMPLE, size_n=min(2, count), n_max=count)
    drafts = resolve(model.draft_model)
    if drafts is not None and "draft_model_num_pred_tokens" in model.model_fields_set:
        drafts.options.n_max = count
        drafts.options.size_n = min(drafts.options.size_n, count)
    return None if drafts is None else drafts.options


def _loras(model: ModelSettings) -> Dict[str, float]:
    loras = dict(model.loras or {})
    if model.lora_path is not None:
        loras.setdefault(model.lora_path, 1.0)
    return loras


def file_sizes(arguments: Mapping[str, Any]) -> int:
    """Returns the bytes of the files of an engine. ModelLoadError if the model is missing."""
    paths.check_exists(arguments["model_path"])
    found = [arguments["model_path"], arguments["mmproj_path"], *arguments["loras"]]
    return sum(os.path.getsize(path) for path in found if path and os.path.exists(path))
