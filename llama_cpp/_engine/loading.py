"""Loads a model and makes its context, from the arguments of Llama()."""

from __future__ import annotations

import warnings
from typing import Tuple, Union

from .. import _core
from .._backends.remote import load_rpc, warn_unless_used
from .._backends.report import report
from .._backends.required import require_ready
from .._capi.constants import GGML_NUMA_STRATEGY_DISABLED, GGML_NUMA_STRATEGY_DISTRIBUTE
from .._errors import ContextError, WeightLayoutError
from . import paths
from .options import ALL_LAYERS, ContextOptions, ModelOptions

_MOST_STATES = 8  # sequences of a recurrent model, of which each has a state, however short
# Stack level of the code that calls Llama(): above a function here, Llama() and checked().
_CALLER = 4


def start(numa: Union[bool, int]) -> int:
    """Initialises llama.cpp; returns the NUMA strategy. BackendError without a CPU backend."""
    require_ready()
    _core.backend_init()
    if isinstance(numa, bool):
        numa = GGML_NUMA_STRATEGY_DISTRIBUTE if numa else GGML_NUMA_STRATEGY_DISABLED
    if numa != GGML_NUMA_STRATEGY_DISABLED:
        _core.numa_init(numa)
    return numa


def load_vocabulary(path: paths.StrPath) -> _core.Model:
    """Loads only the vocabulary of a GGUF file. ModelLoadError if that is impossible."""
    start(numa=False)
    name = paths.model_path(path)
    paths.check_exists(name)
    params = _core.ModelParams()
    params.vocab_only = True
    return _core.Model(name, params)


def load_model(
    path: str, options: ModelOptions, context_options: ContextOptions, reserved_bytes: int = 0
) -> Tuple[_core.Model, _core.ModelParams]:
    """Loads a model; returns it with its parameters. Called by Llama() itself, for its warnings.

    Args:
        path: of a GGUF file.
        options: as given to Llama().
        context_options: decide how much memory is left for layers on the GPU.
        reserved_bytes: memory of the first GPU that n_gpu_layers="auto" leaves free.

    Raises:
        ModelLoadError: the file is missing or cannot be loaded.
        RemoteServerError: an RPC server cannot be reached, or was lost.
        ContextError: no context can be as small as asked for.
        ValueError: an option is wrong.
    """
    params = options.native()
    layers = options.n_gpu_layers
    has_gpu = _core.supports_gpu_offload() or bool(options.rpc_servers)
    if options.rpc_servers:
        load_rpc()
        warn_unless_used(options.rpc_servers, layers, _CALLER)
    if layers not in ("auto", 0) and not has_gpu:
        warnings.warn(
            f"n_gpu_layers={layers}, but this installation of llama_cpp sees no GPU:"
            " everything runs on the CPU. `python -m llama_cpp info` lists what it sees",
            stacklevel=_CALLER,
        )
    context_options.check_sizes()
    paths.check_exists(path)
    has_gpu = has_gpu and options.uses_devices
    if layers == "auto" and has_gpu and not options.vocab_only:
        context_params = context_options.native(context_options.n_ctx)
        params = _core.fit_to_devices(path, params, context_params, reserved_bytes)
    elif layers == "auto":
        params.n_gpu_layers = 0
    else:
        params.n_gpu_layers = ALL_LAYERS if layers == -1 else layers
    return _core.Model(path, params, options.progress_callback), params


def context_params(model: _core.Model, options: ContextOptions, n_ctx: int) -> _core.ContextParams:
    """Returns the parameters of a context of `n_ctx` tokens for a model."""
    params = options.native(n_ctx)
    if options.n_outputs_max is not None:
        params.n_outputs_max = options.n_outputs_max
    if options.n_seq_max is None and (model.is_recurrent or model.is_hybrid):
        params.n_seq_max = min(params.n_seq_max, _MOST_STATES)
    return params


def can_shorten(model: _core.Model, params: _core.ContextParams) -> bool:
    """Whether a context's memory can drop the last of its tokens, however many they are."""
    has_state = model.is_recurrent or model.is_hybrid
    return not has_state and (model.n_swa == 0 or params.swa_full)


def open_context(
    model: _core.Model,
    model_params: _core.ModelParams,
    context_params: _core.ContextParams,
    options: ModelOptions,
) -> Tuple[_core.Model, _core.Context]:
    """Returns the context and its model.

    That is another model than the given one, and the given one is closed, when its weights lie in a
    layout that the CPU variant cannot compute with. Then ``model_params.use_extra_bufts`` is False.
    """
    try:
        return model, _core.Context(model, context_params)
    except WeightLayoutError as error:
        reason = str(error).splitlines()[0]
    path, description = model.path, model.desc
    model.close()
    model_params.use_extra_bufts = False
    model = _core.Model(path, model_params, options.progress_callback)
    try:
        context = _core.Context(model, context_params)
    except WeightLayoutError:
        raise ContextError(
            f"{paths.shown(path)} has a tensor of a type or shape that no backend of this machine"
            f" computes with: {reason}\nTake another file, or convert the model again."
        ) from None
    warnings.warn(
        f"{paths.shown(path)} was loaded again, without repacked weights, which is slower:"
        f" {reason}. Please report it with the CPU variant, {report.variant!r}, and the"
        f" model, {description!r}",
        RuntimeWarning,
        stacklevel=_CALLER,
    )
    return model, context
