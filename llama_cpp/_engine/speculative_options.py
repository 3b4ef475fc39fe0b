"""The arguments of speculative decoding: how the next tokens are guessed."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, List, Optional, Sequence, Tuple, Union

from .. import _core
from .._errors import ModelLoadError
from . import kinds, paths

MTP = "draft-mtp"
SIMPLE = "draft-simple"
NGRAM_SIMPLE = "ngram-simple"
# Of common_speculative_type_from_name_map in llama.cpp's common/speculative.cpp, without "none".
MODEL_TYPES = (SIMPLE, "draft-eagle3", MTP, "draft-dflash", "draft-dspark")
NGRAM_MAPS = (NGRAM_SIMPLE, "ngram-map-k", "ngram-map-k4v")
NGRAM_TYPES = (*NGRAM_MAPS, "ngram-mod", "ngram-cache")
TYPES = (*MODEL_TYPES, *NGRAM_TYPES)
# common_params_speculative_draft and common_params_speculative_ngram_map in its common/common.h.
_N_MAX_OF_MODELS = 3
_N_MAX_OF_NGRAMS = 48
_N_MIN_OF_MOD = 48  # common_params_speculative_ngram_mod there


@dataclasses.dataclass
class SpeculativeOptions:
    """How Llama(draft_model=...) guesses the next tokens. The names are llama.cpp's.

    Args:
        types: names of ways to guess, in a list or with commas between them; the first of them that
            has a guess is asked, n-grams before models. Default as the file `model` needs it.
        model: the GGUF file of a draft model. Its vocabulary has to be the model's.
        n_max: most tokens of a draft; default 3 with a draft model, 48 with ngram-simple and the
            ngram-maps (llama.cpp's size_m), 64 with ngram-mod. ngram-cache has 8, always.
        n_min: shorter drafts are dropped; default 0, 48 with ngram-mod.
        p_min: the probability below which a draft model ends its draft.
        size_n: tokens that ngram-simple and the ngram-maps look up in the text so far. It takes
            drafts of at least so many tokens.
        min_hits: how often ngram-map-k4v has to find them.
        n_match: tokens that ngram-mod looks up.
        lookup_cache_static: a file for ngram-cache, of llama.cpp's llama-lookup-create.
        lookup_cache_dynamic: a second one.
        n_gpu_layers: layers of the draft model on the GPU; default as for the model.
        devices: devices of the draft model; default as for the model.
        type_k: type of its K cache, GGML_TYPE_*; default F16.
        type_v: type of its V cache.
        n_threads: threads of its generation; default as for the model.
        n_threads_batch: threads of its reading.
    """

    types: Union[str, Sequence[str], None] = None
    model: Optional[paths.StrPath] = None
    n_max: Optional[int] = None
    n_min: Optional[int] = None
    p_min: float = 0.0
    size_n: int = 12
    min_hits: int = 1
    n_match: int = 24
    lookup_cache_static: Optional[paths.StrPath] = None
    lookup_cache_dynamic: Optional[paths.StrPath] = None
    n_gpu_layers: Union[int, str, None] = None
    devices: Union[str, List[str], None] = None
    type_k: Optional[int] = None
    type_v: Optional[int] = None
    n_threads: Optional[int] = None
    n_threads_batch: Optional[int] = None


class Resolved:
    """Checked options.

    Attributes:
        options: as given.
        types: llama.cpp's names.
        model_path: the draft model's; None without one.
        n_states: tokens that a recurrent model has to be able to take back.
    """

    def __init__(self, options: SpeculativeOptions) -> None:
        """Checks options.

        Raises:
            ValueError: they contradict each other, or a type is unknown.
            ModelLoadError: a file is missing.
        """
        self.options = options
        self.model_path = None if options.model is None else paths.model_path(options.model)
        if self.model_path is not None:
            paths.check_exists(self.model_path, "The path of draft_model")
        for path in (options.lookup_cache_static, options.lookup_cache_dynamic):
            if path is not None and not os.path.isfile(path):
                raise ModelLoadError(
                    f"There is no file {paths.shown(path)} with statistics for ngram-cache\n"
                    "Make one with llama.cpp's llama-lookup-create, or leave lookup_cache_static"
                    " and lookup_cache_dynamic out."
                )
        self.types = _types(options.types) or _types_of_file(self.model_path)
        self._check()
        drafts = self.model_type is not None and self.model_type != SIMPLE
        self.n_states = (options.n_max or _N_MAX_OF_MODELS) if drafts else 0

    @property
    def model_type(self) -> Optional[str]:
        """The type that has a draft model, or layers of the model; None: n-grams only."""
        return next((name for name in self.types if name in MODEL_TYPES), None)

    @property
    def n_min_of_mod(self) -> int:
        """The fewest tokens of ngram-mod's drafts; its default is above some n_max."""
        options = self.options
        if options.n_min is not None:
            return options.n_min
        return min(_N_MIN_OF_MOD, options.n_max or _N_MIN_OF_MOD)

    @property
    def needs_own_layers(self) -> bool:
        """Whether the model's own layers guess, which are loaded with load_mtp=True only."""
        return self.model_type == MTP and self.model_path is None

    def _check(self) -> None:
        options = self.options
        models = [name for name in self.types if name in MODEL_TYPES]
        if len(models) > 1:
            raise ValueError(
                f"types has {' and '.join(models)}, and there is one draft model\nTake one of them."
            )
        if models and models != [MTP] and self.model_path is None:
            raise ValueError(
                f"types has {models[0]}, which needs a draft model\n"
                f'Pass SpeculativeOptions(types="{models[0]}", model="draft.gguf").'
            )
        if self.model_path is not None and not models:
            raise ValueError(
                f"types has {', '.join(self.types)}, which need no draft model\n"
                "Leave `model` out, or add draft-simple to `types`."
            )
        longest = options.n_max or _N_MAX_OF_NGRAMS
        if NGRAM_SIMPLE in self.types and longest < options.size_n:
            raise ValueError(
                f"ngram-simple makes no drafts that are shorter than the {options.size_n} tokens"
                f" that it looks up (size_n), and n_max is {longest}\n"
                f"Take a size_n of at most {longest}."
            )


def resolve(draft_model: Any) -> Optional[Resolved]:
    """Returns the options of Llama(draft_model=...); None without one, and for functions."""
    if isinstance(draft_model, (str, bytes, os.PathLike)):
        return Resolved(_of_text(draft_model))
    return Resolved(draft_model) if isinstance(draft_model, SpeculativeOptions) else None


def _of_text(text: paths.StrPath) -> SpeculativeOptions:
    """Returns the options for a path, or for names of types with commas between them."""
    names = [_full_name(name) for name in os.fsdecode(text).split(",")]
    if all(name in TYPES for name in names):
        return SpeculativeOptions(types=names)
    path = paths.model_path(text)
    if not os.path.exists(path) and not path.endswith(".gguf"):
        raise ModelLoadError(
            f"draft_model is {paths.shown(path)!r}, and there is no such file; the nearest way to"
            f" guess is {kinds.nearest(path, TYPES)!r}\n"
            f"Give the path of a .gguf file, or one of {', '.join(TYPES)}."
        )
    return SpeculativeOptions(model=path)


def _full_name(name: str) -> str:
    """Returns llama.cpp's name of a type; "draft-" may be missing."""
    name = name.strip()
    return f"draft-{name}" if f"draft-{name}" in MODEL_TYPES else name


def _types(given: Union[str, Sequence[str], None]) -> Tuple[str, ...]:
    found = kinds.text_or_texts("types", given if given is not None else [])
    names = found.split(",") if isinstance(found, str) else found
    types = tuple(_full_name(name) for name in names)
    for name in types:
        if name not in TYPES:
            raise ValueError(f"types has {name!r}\nTake some of {', '.join(TYPES)}.")
    return types


def _types_of_file(path: Optional[str]) -> Tuple[str, ...]:
    if path is None:
        raise ValueError(
            "SpeculativeOptions has neither types nor a model\n"
            'Pass types="ngram-simple", or model="draft.gguf".'
        )
    return tuple(_core.speculative_types_of_file(path))
