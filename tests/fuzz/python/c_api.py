"""Target: the C API on objects of the package, and the classes of `_internals`, called wrongly.

Arguments are of wrong types, out of range, closed or NULL, and arrays are too short: a call returns
or raises an exception, and the process goes on. Addresses are not made up: they are as raw as in C.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from choices import Choices

import llama_cpp
from llama_cpp import _internals as internals
from llama_cpp import llama_cpp as low
from llama_cpp._capi import llama_h
from llama_cpp._capi.arguments import ContextPointer, ModelPointer, Token, VocabPointer
from llama_cpp._capi.libraries import library

_OWN = (ContextPointer, ModelPointer, VocabPointer)
# They take addresses, or arrays without a size: raw.
_RAW = {
    *("llama_adapter_lora_init_from_file_ptr", "llama_attach_threadpool", "llama_copy_state_data"),
    *("llama_opt_epoch", "llama_opt_init", "llama_process", "llama_set_adapters_lora"),
    *("llama_set_sampler", "llama_set_state_data"),
}
# Its number of elements is that of other arguments together (llama.h).
_RAW_SIZE = {"llama_set_adapter_cvec"}
_REFUSALS = (
    *(llama_cpp.LlamaError, TypeError, ValueError, OverflowError, MemoryError),
    *(ctypes.ArgumentError, IndexError, NotImplementedError),
)
_FOLDER = Path(tempfile.mkdtemp(prefix="c_api-"))
_WITH_FILES = ("_file", "lora_init")
_FILES = (
    *(str(_FOLDER / name).encode() for name in ("state", "nowhere/state", "")),
    *(None, "text", b"", b"\xff"),
)


def _functions() -> dict[str, list[Any]]:
    """Returns the functions on objects of the package, with the types of their parameters."""
    found = {}
    skipped = _RAW | _RAW_SIZE
    for name in llama_h.__all__:
        types = list(getattr(getattr(library("llama").cdll, name, None), "argtypes", None) or ())
        if set(types) & set(_OWN) and name not in skipped:
            found[name] = types
    return found


_FUNCTIONS = _functions()
_NAMES = sorted(_FUNCTIONS)
_CONTEXT_FIELDS = [
    name
    for name, kind in low.llama_context_params._fields_
    if isinstance(getattr(kind, "_type_", None), str) and kind._type_ not in "Pz"
]


class _Objects:
    """An open and a closed Llama, and one of a vocabulary alone."""

    def __init__(self) -> None:
        self.closed = self._load()
        self.closed.close()
        self.vocabulary = self._load(vocab_only=True)
        self.open = self._load()

    def _load(self, **options: Any) -> llama_cpp.Llama:
        path = os.environ["LLAMA_TEST_MODEL"]
        return llama_cpp.Llama(path, n_ctx=32, n_threads=1, verbose=False, **options)

    def renew(self) -> None:
        """Replaces what an input has closed, and empties the rest."""
        if self.open.ctx.closed or self.open.model.closed:
            self.open = self._load()
        if self.vocabulary.model.closed:
            self.vocabulary = self._load(vocab_only=True)
        context = self.open.ctx
        context.memory_clear(True)
        low.llama_set_n_threads(context, 1, 1)
        low.llama_set_causal_attn(context, True)
        low.llama_set_embeddings(context, False)
        low.llama_set_warmup(context, False)


low.llama_log_set(low.llama_log_callback(lambda level, text, data: None))
_OBJECTS = _Objects()


def _saved_state() -> bytes:
    """Returns a state of one token. Other bytes than these are //tests/fuzz/native's concern."""
    _OBJECTS.open.eval([5])
    context = _OBJECTS.open.ctx
    state = (ctypes.c_uint8 * low.llama_state_get_size(context))()
    return bytes(state[: low.llama_state_get_data(context, state, len(state))])


_STATE = _saved_state()


def _own(kind: Any, choices: Choices) -> Any:
    """Returns an object for a parameter, mostly a right one."""
    llm = choices.pick((*[_OBJECTS.open] * 5, _OBJECTS.closed, _OBJECTS.vocabulary))
    if choices.below(16) == 1:
        return choices.pick((None, 0, "", b"", 1.5, ctypes.c_void_p(), llm, llm.ctx, llm.model))
    if kind is ContextPointer:
        return choices.pick((llm.ctx, llm._ctx))
    return choices.pick((llm.model, llm._model))


def _elements(kind: Any, choices: Choices) -> Any:
    """Returns an array, one element, or something else for a pointer to elements."""
    count = choices.below(40)
    element = choices.pick((*[kind] * 7, ctypes.c_int64))
    if not isinstance(getattr(element, "_type_", None), str):  # such as a llama_sampler
        return None
    array = (element * count)()
    if element is ctypes.c_char_p:
        for index in range(count):
            array[index] = choices.data()
        return array  # a NULL in it is as raw as an address
    data = choices.bytes(ctypes.sizeof(array))
    ctypes.memmove(array, data, len(data))
    return choices.pick((*[array] * 5, ctypes.byref(array), ctypes.byref(element()), None))


def _batch(choices: Choices) -> low.llama_batch:
    tokens = (low.llama_token * 32)(*(choices.number() % 2**32 for _ in range(choices.below(33))))
    _KEPT.append(tokens)
    return low.llama_batch_get_one(tokens, choices.below(33))


def _context_params(choices: Choices) -> low.llama_context_params:
    """Returns parameters of a small context, of which some numbers are others."""
    params = low.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 32
    params.n_threads = params.n_threads_batch = 1
    for _ in range(choices.below(3)):
        field = choices.pick(_CONTEXT_FIELDS)
        value = choices.number()
        if not field.startswith("n_") or -2 <= value < 256:  # more memory is the caller's wish
            setattr(params, field, value)
    return params


def _text(choices: Choices) -> Any:
    kind = choices.below(8)
    if kind == 0:
        return choices.pick((None, "text", 5))
    if kind < 5:
        return ctypes.create_string_buffer(choices.below(64))
    return choices.data()


_KEPT: list[Any] = []  # arrays of which C keeps the address only


def _argument(name: str, kind: Any, given: list[Any], choices: Choices) -> Any:
    """Returns an argument of a function after those that are there already."""
    if kind in _OWN:
        return _own(kind, choices)
    if kind is low.llama_batch:
        return _batch(choices)
    if kind is low.llama_context_params:
        return _context_params(choices)
    if kind is ctypes.c_char_p:
        return choices.pick(_FILES) if name.endswith(_WITH_FILES) else _text(choices)
    if "set_data" in name and getattr(kind, "_type_", None) is ctypes.c_uint8:
        count = choices.below(len(_STATE) + 1)
        return (ctypes.c_uint8 * count).from_buffer_copy(_STATE[:count])
    if hasattr(kind, "contents"):
        return _elements(kind._type_, choices)
    code = getattr(kind, "_type_", None)
    if code == "P" or not isinstance(code, str):
        return None
    if choices.below(32) == 1:
        return choices.pick((None, "1", b"", 0.5, []))
    if code in "fd":
        return choices.pick((0.0, 1.0, -1.0, float("nan"), float("inf"), choices.number() / 256))
    if code == "?":
        return choices.flag()
    before = given[-1] if given else None
    if kind is not Token and isinstance(before, (bytes, ctypes.Array)) and choices.below(4):
        return len(before)
    return choices.number()


def _call(choices: Choices) -> None:
    name = choices.pick(_NAMES)
    arguments: list[Any] = []
    for kind in _FUNCTIONS[name]:
        arguments.append(_argument(name, kind, arguments, choices))
    if name.endswith("set_data_ext"):
        arguments[-1] = choices.below(2)  # not on the device: llama.cpp ends the process
    if choices.below(64) == 1:
        arguments = arguments[1:]
    result = getattr(low, name)(*arguments)
    if name.startswith("llama_sampler_init_"):
        low.llama_sampler_free(result)
    elif name in ("llama_init_from_model", "llama_new_context_with_model") and result:
        low.llama_free(result)
    elif name == "llama_adapter_lora_init" and result:
        low.llama_adapter_lora_free(result)


class _Classes:
    """Objects of `_internals`, made and used by an input."""

    def __init__(self) -> None:
        self._context = _OBJECTS.open._ctx
        self._model = _OBJECTS.open._model
        self._batch = internals.LlamaBatch(n_tokens=8, embd=0, n_seq_max=2)
        self._sampler = internals.LlamaSampler()
        self._steps = (
            *(self._new_batch, self._fill, self._decode, self._add, self._add, self._sample),
            *(self._ask_model, self._ask_context, self._close),
        )

    def step(self, choices: Choices) -> None:
        """Does one thing with one of them."""
        choices.pick(self._steps)(choices)

    def _new_batch(self, choices: Choices) -> None:
        numbers = [choices.pick((0, 1, 3, choices.number())) for _ in range(3)]
        if not all(-(2**31) <= number < 2**12 for number in numbers):
            return  # so much memory is the caller's wish
        self._batch = internals.LlamaBatch(
            n_tokens=numbers[0], embd=numbers[1], n_seq_max=numbers[2]
        )

    def _fill(self, choices: Choices) -> None:
        tokens = [choices.number() for _ in range(choices.below(12))]
        if choices.flag():
            self._batch.set_batch(tokens, choices.number(), choices.flag())
        else:
            self._batch.add_sequence(tokens, choices.number(), choices.flag())

    def _decode(self, choices: Choices) -> None:
        choices.pick((self._context.decode, self._context.encode))(self._batch)

    def _add(self, choices: Choices) -> None:
        """Adds a sampler whose arguments are numbers, texts or lists by the name of each."""
        name = choices.pick(_SAMPLERS)
        method = getattr(self._sampler, name)
        code = method.__func__.__code__
        arguments = [
            self._argument(parameter, choices)
            for parameter in code.co_varnames[1 : code.co_argcount]
        ]
        method(*arguments)

    def _argument(self, parameter: str, choices: Choices) -> Any:
        makers: dict[str, Callable[[], Any]] = {
            "grammar": lambda: _Grammar(choices),
            "logit_bias": lambda: {choices.number(): 1.0 for _ in range(choices.below(4))},
            "model": lambda: self._model,
            "seq_breakers": lambda: [choices.text() for _ in range(choices.below(4))],
            "trigger_patterns": lambda: [choices.text() for _ in range(choices.below(4))],
            "trigger_tokens": lambda: [choices.number() for _ in range(choices.below(4))],
        }
        if parameter in makers:
            return makers[parameter]()
        return choices.pick((choices.number(), choices.below(200) / 100, float("nan")))

    def _sample(self, choices: Choices) -> None:
        use = choices.below(5)
        if use == 0:
            self._sampler.sample(self._context, choices.number())
        elif use == 1:
            self._sampler.accept(choices.number())
        elif use == 2:
            self._sampler.reset()
        elif use == 3:
            self._sampler = self._sampler.clone()
        else:
            self._sampler.get_seed()

    def _ask_model(self, choices: Choices) -> None:
        token = choices.number()
        model = self._model
        use = choices.below(5)
        if use == 0:
            model.token_get_text(token)
        elif use == 1:
            model.token_get_score(token)
        elif use == 2:
            model.token_to_piece(token, choices.flag())
        elif use == 3:
            model.detokenize([token, choices.number()])
        else:
            model.tokenize(choices.data(), choices.flag(), choices.flag())

    def _ask_context(self, choices: Choices) -> None:
        numbers = [choices.number() for _ in range(4)]
        context = self._context
        calls: tuple[Callable[[], Any], ...] = (
            lambda: context.kv_cache_seq_rm(*numbers[:3]),
            lambda: context.kv_cache_seq_cp(*numbers),
            lambda: context.kv_cache_seq_keep(numbers[0]),
            lambda: context.kv_cache_seq_shift(*numbers),
            lambda: context.get_logits_ith(numbers[0]),
            lambda: context.get_embeddings_ith(numbers[0]),
            lambda: context.get_embeddings_seq(numbers[0]),
            lambda: context.set_n_threads(numbers[0] % 3 - 1, numbers[1] % 3 - 1),
        )
        choices.pick(calls)()

    def _close(self, choices: Choices) -> None:
        choices.pick((self._batch, self._sampler)).close()


class _Grammar:
    """Stands for a LlamaGrammar."""

    def __init__(self, choices: Choices) -> None:
        self._grammar = choices.pick(('root ::= "a"*', choices.text()))
        self._root = choices.pick(("root", choices.text()))


_SAMPLERS = sorted(
    name for name in vars(internals.LlamaSampler)
    if name.startswith("add_") and name != "add_custom"
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Makes some calls."""
    choices = Choices(data)
    _OBJECTS.renew()
    _KEPT.clear()
    classes = _Classes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while choices:
            try:
                classes.step(choices) if choices.flag() else _call(choices)
            except _REFUSALS:
                pass
