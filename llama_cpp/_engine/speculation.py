"""llama.cpp's own drafts, of a draft model, the model's own layers, or n-grams."""

from __future__ import annotations

import dataclasses
import os
from typing import List, Optional

from .. import _core
from .._numpy import np, npt
from . import loading, paths
from .options import ContextOptions, ModelOptions
from .speculative_options import MTP, Resolved


class NativeDrafts:
    """The drafts of a native Speculation."""

    def __init__(self, native: _core.Speculation) -> None:
        self._native = native

    def begin(self, text: npt.NDArray[np.intc]) -> None:
        self._native.begin(text[text >= 0])

    def draft(self, text: npt.NDArray[np.intc], last_position: int, most: int) -> List[int]:
        return self._native.draft(text[text >= 0], last_position, most)

    def accept(self, count: int) -> None:
        self._native.accept(count)


def prepare(speculative: Resolved, model: _core.Model, context_params: _core.ContextParams) -> None:
    """Lets the context of a recurrent model take back as many tokens as a draft has.

    As llama-common's need_n_rs_seq() (common/common.h). Drafts of n-grams are too long for that.
    """
    if model.is_recurrent or model.is_hybrid:
        most = context_params.n_ubatch - 1
        context_params.n_rs_seq = max(context_params.n_rs_seq, min(speculative.n_states, most))


def open_drafts(
    speculative: Resolved,
    context: _core.Context,
    model_options: ModelOptions,
    context_options: ContextOptions,
) -> NativeDrafts:
    """Loads what guesses the tokens of a context.

    Raises:
        ModelLoadError: the draft model cannot be loaded, or does not fit to the model.
        ContextError: its context cannot be made.
        ValueError: an option is out of range.
    """
    options = speculative.options
    context_options = dataclasses.replace(
        context_options,
        embedding=False,
        n_ctx=context.n_ctx_seq,
        type_k=options.type_k,
        type_v=options.type_v,
        n_threads=options.n_threads or context_options.n_threads,
        n_threads_batch=options.n_threads_batch or context_options.n_threads_batch,
    )
    draft = _load(speculative, model_options, context_options)
    try:
        native = _core.Speculation(
            context,
            draft,
            context_options.native(context_options.n_ctx),
            types=list(speculative.types),
            n_max=options.n_max,
            n_min=options.n_min,
            p_min=options.p_min,
            size_n=options.size_n,
            min_hits=options.min_hits,
            n_match=options.n_match,
            lookup_cache_static=_path(options.lookup_cache_static),
            lookup_cache_dynamic=_path(options.lookup_cache_dynamic),
        )
    finally:
        if draft is not None:
            draft.close()  # its context has a share
    return NativeDrafts(native)


def _load(
    speculative: Resolved, model_options: ModelOptions, context_options: ContextOptions
) -> Optional[_core.Model]:
    """Loads the draft model, if there is one. Where its tensors lie is not as for the model."""
    if speculative.model_path is None:
        return None
    options = speculative.options
    layers = options.n_gpu_layers
    model_options = dataclasses.replace(
        model_options,
        n_gpu_layers=model_options.n_gpu_layers if layers is None else layers,
        devices=model_options.devices if options.devices is None else options.devices,
        tensor_split=None,
        kv_overrides=None,
        tensor_buft_overrides=None,
        cpu_moe=False,
        n_cpu_moe=0,
        load_mtp=speculative.model_type == MTP,
        progress_callback=None,
    )
    return loading.load_model(speculative.model_path, model_options, context_options)[0]


def _path(path: Optional[paths.StrPath]) -> bytes:
    return b"" if path is None else os.fsencode(path)
