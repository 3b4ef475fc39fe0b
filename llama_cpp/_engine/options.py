"""The arguments of Llama() that llama.cpp's model and context parameters are made of."""

from __future__ import annotations

import dataclasses
import operator
from typing import Any, Callable, Dict, List, Literal, Optional, Tuple, Union

from .. import _core
from .._capi import constants
from .._errors import ContextError
from . import kinds
from .threads import default_threads

ALL_LAYERS = 0x7FFFFFFF
_LOGITS_BYTES = 1 << 24  # most memory for the logits of one call of llama.cpp
_MAX_OVERRIDE_BYTES = 128  # of a string in kv_overrides: llama.h's val_str
# llama.cpp's pattern for the weights of experts (LLM_FFN_EXPS_REGEX in its common.h), and the most
# layers of a model.
_EXPERTS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
_MOST_LAYERS = 512
_NO_DEVICE = ["none"]
# Fields of ModelOptions that ModelParams has under the same name.
_SAME_MODEL_NAMES = (
    "split_mode",
    "main_gpu",
    "vocab_only",
    "check_tensors",
    "use_extra_bufts",
    "no_host",
    "load_mtp",
    "lazy_mode",
)
# Fields of ContextOptions that ContextParams has under the same name. None leaves the default.
_SAME_NAMES = (
    "n_rs_seq",
    "rope_scaling_type",
    "pooling_type",
    "attention_type",
    "rope_freq_base",
    "rope_freq_scale",
    "yarn_ext_factor",
    "yarn_attn_factor",
    "yarn_beta_fast",
    "yarn_beta_slow",
    "yarn_orig_ctx",
    "offload_kqv",
    "op_offload",
    "swa_full",
    "no_perf",
    "type_k",
    "type_v",
)


# Without the methods that nobody calls: compiling them takes a third of the import.
@dataclasses.dataclass(repr=False, eq=False)
class ModelOptions:
    """How a model is loaded; Llama() explains the fields."""

    n_gpu_layers: Union[int, Literal["auto"]]
    split_mode: int
    main_gpu: int
    tensor_split: Optional[List[float]]
    vocab_only: bool
    use_mmap: bool
    use_mlock: bool
    kv_overrides: Optional[Dict[str, Union[bool, int, float, str]]]
    devices: Optional[List[str]]
    rpc_servers: Optional[List[str]]
    tensor_buft_overrides: Optional[Dict[str, str]]
    cpu_moe: bool
    n_cpu_moe: int
    check_tensors: bool
    use_extra_bufts: bool
    no_host: bool
    load_mtp: bool
    lazy_mode: int
    progress_callback: Optional[Callable[[float], Optional[bool]]]

    def __post_init__(self) -> None:
        self.n_gpu_layers = _checked_layers(self.n_gpu_layers, self.tensor_split, self.split_mode)
        if self.n_gpu_layers == "auto" and self._tensor_overrides():
            raise ValueError(
                'n_gpu_layers="auto" decides where the tensors lie\n'
                "Leave tensor_buft_overrides, cpu_moe and n_cpu_moe out, or give a number of"
                " layers."
            )

    @property
    def uses_devices(self) -> bool:
        """Whether anything may lie on a GPU."""
        return self.devices != _NO_DEVICE

    def native(self) -> _core.ModelParams:
        """Returns llama.cpp's model parameters, but for n_gpu_layers."""
        params = _core.ModelParams()
        for name in _SAME_MODEL_NAMES:
            setattr(params, name, getattr(self, name))
        params.devices = self.devices or []
        params.rpc_servers = self.rpc_servers or []
        params.tensor_buft_overrides = self._tensor_overrides()
        params.tensor_split = _checked_split(self.tensor_split)
        params.load_mode = _load_mode(self.use_mmap, self.use_mlock)
        params.kv_overrides = _checked_overrides(self.kv_overrides)
        return params

    def _tensor_overrides(self) -> List[Tuple[str, str]]:
        """Returns patterns with the names of buffer types; the first that fits counts."""
        overrides = list((self.tensor_buft_overrides or {}).items())
        if self.cpu_moe or self.n_cpu_moe >= _MOST_LAYERS:
            overrides.append((_EXPERTS, "CPU"))
        elif self.n_cpu_moe:
            layers = "|".join(map(str, range(self.n_cpu_moe)))
            overrides.append((rf"blk\.({layers}){_EXPERTS}", "CPU"))
        return overrides


@dataclasses.dataclass(repr=False, eq=False)
class ContextOptions:
    """How a context is made; Llama() explains the fields."""

    n_ctx: int
    n_batch: int
    n_ubatch: int
    n_threads: Optional[int]
    n_threads_batch: Optional[int]
    rope_scaling_type: Optional[int]
    pooling_type: int
    attention_type: int
    rope_freq_base: float
    rope_freq_scale: float
    yarn_ext_factor: float
    yarn_attn_factor: float
    yarn_beta_fast: float
    yarn_beta_slow: float
    yarn_orig_ctx: int
    embedding: bool
    offload_kqv: bool
    flash_attn: Union[bool, Literal["auto"], None]
    op_offload: Optional[bool]
    swa_full: Optional[bool]
    no_perf: bool
    type_k: Optional[int]
    type_v: Optional[int]
    n_seq_max: Optional[int]
    n_rs_seq: int
    n_outputs_max: Optional[int]
    kv_unified: Optional[bool]
    flash_attn_type: Optional[int]

    def __post_init__(self) -> None:
        if self.embedding and self.n_outputs_max is not None:
            raise ValueError(
                "n_outputs_max cannot be set with embedding=True: every token has an output"
            )
        if self.embedding and self.kv_unified is False:
            raise ValueError(
                "kv_unified=False cannot be set with embedding=True: llama.cpp would pool a part of"
                " each text only"
            )

    def check_sizes(self) -> None:
        """Raises ContextError for a size that no context has."""
        for name, least in (("n_ctx", 0), ("n_batch", 1), ("n_ubatch", 1)):
            if getattr(self, name) < least:
                raise ContextError(
                    f"{name} is too small: {getattr(self, name)}\nGive {name} of at least {least}."
                )

    def native(self, n_ctx: int) -> _core.ContextParams:
        """Returns llama.cpp's context parameters; `n_ctx` of 0 is the context as trained."""
        params = _core.ContextParams()
        params.n_ctx = n_ctx
        params.n_batch = min(n_ctx, self.n_batch) if n_ctx else self.n_batch
        params.n_ubatch = min(params.n_batch, self.n_ubatch)
        params.n_threads = self.n_threads or default_threads().count
        params.n_threads_batch = self.n_threads_batch or default_threads().count
        for name in _SAME_NAMES:
            if getattr(self, name) is not None:
                setattr(params, name, getattr(self, name))
        if self.flash_attn_type is None:
            params.flash_attn_type = _flash_attn_type(self.flash_attn)
        else:
            params.flash_attn_type = self.flash_attn_type
        if self.embedding:
            params.embeddings = True
            params.n_ubatch = params.n_batch
            params.kv_unified = True
            params.n_seq_max = min(params.n_batch, _core.max_parallel_sequences())
        if self.kv_unified is not None:
            params.kv_unified = self.kv_unified
        if self.n_seq_max is not None:
            params.n_seq_max = self.n_seq_max
        return params


def rows_at_once(n_batch: int, n_vocab: int) -> int:
    """Returns the most rows of logits of one call of llama.cpp."""
    return max(1, min(n_batch, _LOGITS_BYTES // (4 * n_vocab or 1)))


def values(options: Any) -> Dict[str, Any]:
    """Returns the fields of a dataclass, not copied."""
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def _checked_layers(
    layers: Any, tensor_split: Optional[List[float]], split_mode: int
) -> Union[int, Literal["auto"]]:
    if isinstance(layers, str) and layers == "auto":
        by_layer = (constants.LLAMA_SPLIT_MODE_NONE, constants.LLAMA_SPLIT_MODE_LAYER)
        if tensor_split or split_mode not in by_layer:
            raise ValueError(
                'n_gpu_layers="auto" decides how the model is split over the GPUs: leave'
                " tensor_split and split_mode out, or give a number of layers"
            )
        return layers
    try:
        number = operator.index(layers)
    except TypeError:
        number = None
    if number is None or not -ALL_LAYERS <= number <= ALL_LAYERS:
        raise ValueError(
            f'n_gpu_layers={layers!r} is not a number of layers: take one, -1 for all, or "auto"'
        )
    return number


def _checked_split(tensor_split: Optional[List[float]]) -> List[float]:
    split = list(tensor_split or ())
    if len(split) > _core.max_devices():
        raise ValueError(
            f"tensor_split has {len(split)} shares, but at most"
            f" LLAMA_MAX_DEVICES={_core.max_devices()} devices are supported"
        )
    return split


def _load_mode(use_mmap: bool, use_mlock: bool) -> int:
    if use_mmap:
        return constants.LLAMA_LOAD_MODE_MMAP_MLOCK if use_mlock else constants.LLAMA_LOAD_MODE_MMAP
    return constants.LLAMA_LOAD_MODE_MLOCK if use_mlock else constants.LLAMA_LOAD_MODE_NONE


def _checked_overrides(overrides: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    for key, value in (overrides or {}).items():
        kinds.text("A key of kv_overrides", key)
        if isinstance(value, str):
            if len(value.encode("utf-8")) > _MAX_OVERRIDE_BYTES:
                raise ValueError(
                    f"Value for {key} in kv_overrides is too long: at most"
                    f" {_MAX_OVERRIDE_BYTES} bytes as UTF-8"
                )
        elif not isinstance(value, (bool, int, float)):
            raise ValueError(
                f"Unknown value type for {key} in kv_overrides: {value!r};"
                " use bool, int, float or str"
            )
    return dict(overrides or {})


def _flash_attn_type(flash_attn: Any) -> int:
    if flash_attn is None or flash_attn == "auto":
        return constants.LLAMA_FLASH_ATTN_TYPE_AUTO
    if flash_attn:
        return constants.LLAMA_FLASH_ATTN_TYPE_ENABLED
    return constants.LLAMA_FLASH_ATTN_TYPE_DISABLED
