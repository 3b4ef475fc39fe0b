"""Target: saved states, and caches of prompts on the disk, with something wrong in them.

A state that load_state() takes can be gone on from; one that it refuses leaves a Llama that works.
A cache that is damaged costs time, or raises StateError and works again once it is deleted.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from choices import Choices
from damage import damaged

import llama_cpp
from llama_cpp._engine.media import Place

_N_CTX = 32
_FOLDER = Path(tempfile.mkdtemp(prefix="saved_states-"))
_PROMPTS = ("In the beginning", "In the beginning God", "And the earth")
_KINDS = ("?", "b", "i2", "i4", "i8", "u4", "f2", "f4", "f8", "c8", "O", "S3", "M8")


def _load(**options: Any) -> llama_cpp.Llama:
    model = os.environ["LLAMA_TEST_MODEL"]
    return llama_cpp.Llama(model, n_ctx=_N_CTX, n_threads=1, verbose=False, **options)


def _fill(cache: llama_cpp.LlamaDiskCache) -> None:
    llm = _LLAMAS[0]
    llm.set_cache(cache)
    for prompt in _PROMPTS:
        llm(prompt, max_tokens=1)
    llm.set_cache(None)


def _saved(llm: llama_cpp.Llama, n_tokens: int) -> bytes:
    llm.reset()
    llm.eval(list(range(5, 5 + n_tokens)))
    return pickle.dumps(llm.save_state())


_LLAMAS = [_load(), _load(logits_all=True)]
_STATES = [[_saved(llm, count) for count in (0, 3, _N_CTX)] for llm in _LLAMAS]
_CACHE = _FOLDER / "good"
_opened = llama_cpp.LlamaDiskCache(str(_CACHE))
_fill(_opened)
_opened.cache.close()
_FILES = sorted(path.relative_to(_CACHE) for path in _CACHE.rglob("*") if path.is_file())


def _array(choices: Choices) -> np.ndarray:
    """Returns an array of any type and small shape."""
    shape = [choices.below(5) for _ in range(choices.below(4))]
    kind = choices.pick(_KINDS)
    count = int(np.prod(shape, dtype=int))
    if kind == "O":
        return np.full(shape, choices.pick([None, "a", -1]), dtype=object)
    dtype = np.dtype(kind)
    data = choices.bytes(count * dtype.itemsize).ljust(count * dtype.itemsize, b"\1")
    return np.frombuffer(data, dtype=dtype, count=count).reshape(shape)


def _edited(array: np.ndarray, choices: Choices) -> np.ndarray:
    """Returns a beginning of an array, in which a few numbers are others."""
    changed = array[: choices.below(len(array) + 1)].copy()
    numbers = changed.reshape(-1)
    begin = choices.below(numbers.size + 1)
    numbers[begin : begin + choices.below(9)] = choices.pick((0, -1, 127, 1000))
    return changed


def _place(choices: Choices) -> Any:
    numbers = [choices.pick((0, 1, 2, 3, choices.number())) for _ in range(3)]
    return choices.pick((Place(*numbers, "key", None), (*numbers, "key", None), None))


def _other(value: Any, choices: Choices) -> Any:
    """Returns another value for a member of a state: often one of its type."""
    if choices.flag():
        if isinstance(value, bytes):
            return damaged(value, choices)
        if isinstance(value, int):
            return choices.number()
        if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "if":
            return _edited(value, choices)
        if isinstance(value, tuple):
            return tuple(_place(choices) for _ in range(choices.below(4)))
    makers: tuple[Callable[[], Any], ...] = (
        *(lambda: None, choices.data, choices.text, choices.number, dict),
        *(lambda: _array(choices), lambda: 1.5, lambda: (choices.number(), "a")),
        lambda: [choices.number() for _ in range(choices.below(9))],
    )
    return choices.pick(makers)()


def _state(choices: Choices) -> None:
    """Loads a state with other members."""
    kind = choices.below(2)
    llm = _LLAMAS[kind]
    state = pickle.loads(choices.pick(_STATES[kind]))
    members = [*vars(state), "adapters", "media"]
    while choices:
        name = choices.pick(members)
        if name in ("adapters", "media", "seed") and choices.below(8) == 1:
            vars(state).pop(name, None)
        else:
            setattr(state, name, _other(getattr(state, name, None), choices))
    try:
        llm.load_state(state)
    except llama_cpp.StateError as error:
        assert "\n" in str(error) or ":" in str(error), error
    if llm.n_tokens == _N_CTX:
        llm.reset()
    places = llm._session._places._places
    try:
        llm.eval([7])
    except llama_cpp.StateError:
        assert places  # whose images are not here
        llm.reset()
    llm(list(range(9)), max_tokens=2)


def _cache(choices: Choices) -> None:
    """Completes a prompt with a cache of which files are damaged."""
    folder = _FOLDER / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_CACHE, folder)
    while choices:
        path = folder / choices.pick(_FILES)
        if choices.below(8) == 1:
            path.unlink(missing_ok=True)
        elif path.is_file():
            path.write_bytes(damaged(path.read_bytes(), choices))
    llm = _LLAMAS[0]
    for attempt in range(2):
        llm.reset()
        cache = None
        try:
            cache = llama_cpp.LlamaDiskCache(str(folder), capacity_bytes=1 << 20)
            llm.set_cache(cache)
            llm(_PROMPTS[1], max_tokens=1)
            break
        except llama_cpp.StateError as error:
            assert attempt == 0 and "delete the folder" in str(error), error
            shutil.rmtree(folder)
        finally:
            llm.set_cache(None)
            if cache is not None:
                cache.cache.close()


def one_input(data: bytes) -> None:
    """Does one of the two."""
    choices = Choices(data)
    choices.pick((_state, _cache))(choices)
