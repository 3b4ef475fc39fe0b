"""From SpeculativeOptions to llama-server's options."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Union

from .._engine.speculative_options import NGRAM_MAPS, Resolved
from .cache_types import type_name


def draft_options(drafts: Resolved, n_gpu_layers: Union[int, str]) -> List[str]:
    """Returns the options; `n_gpu_layers` are those of the model."""
    options = drafts.options
    layers = n_gpu_layers if options.n_gpu_layers is None else options.n_gpu_layers
    devices = options.devices
    found: Dict[str, Optional[Any]] = {
        "--spec-type": ",".join(drafts.types),
        "--spec-ngram-mod-n-match": options.n_match,
        "--lookup-cache-static": _path(options.lookup_cache_static),
        "--lookup-cache-dynamic": _path(options.lookup_cache_dynamic),
        **_lengths(drafts),
    }
    if drafts.model_path is not None:
        found.update(
            {
                "--spec-draft-model": drafts.model_path,
                "--spec-draft-ngl": layers,
                "--spec-draft-device": ",".join(devices) if isinstance(devices, list) else devices,
                "--spec-draft-type-k": type_name("type_k", options.type_k),
                "--spec-draft-type-v": type_name("type_v", options.type_v),
                "--spec-draft-threads": options.n_threads,
                "--spec-draft-threads-batch": options.n_threads_batch,
            }
        )
    return [str(each) for pair in found.items() if pair[1] is not None for each in pair]


def _lengths(drafts: Resolved) -> Dict[str, Optional[Any]]:
    """Returns the lengths of drafts, by the options of each type in use."""
    options, types = drafts.options, drafts.types
    found: Dict[str, Optional[Any]] = {}
    if drafts.model_type is not None:
        found["--spec-draft-n-max"] = options.n_max
        found["--spec-draft-n-min"] = options.n_min
        found["--spec-draft-p-min"] = options.p_min
    for name in NGRAM_MAPS:
        if name in types:
            found[f"--spec-{name}-size-n"] = options.size_n
            found[f"--spec-{name}-size-m"] = options.n_max
            found[f"--spec-{name}-min-hits"] = options.min_hits
    if "ngram-mod" in types:
        found["--spec-ngram-mod-n-max"] = options.n_max
        found["--spec-ngram-mod-n-min"] = drafts.n_min_of_mod
    return found


def _path(path: Any) -> Optional[str]:
    return None if path is None else os.fsdecode(path)
