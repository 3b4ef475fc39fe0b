"""LlamaModel of llama-cpp-python's `_internals`."""

from __future__ import annotations

from typing import Any, Dict, List, NoReturn, Union

from .. import _core
from .._backends.required import require_ready
from .._errors import ClosedError
from . import llama_h
from .arguments import Vocab
from .params import ModelParams, model_params


class LlamaModel:
    """A loaded model, with llama.h's questions as methods.

    C functions take it as a ``llama_model *``.

    Attributes:
        model: The native object, None after close().
        vocab: Address of the vocabulary, for C functions.
    """

    def __init__(self, *, path_model: str, params: ModelParams, verbose: bool = True) -> None:
        """Loads a model file.

        Args:
            path_model: the file.
            params: llama_model_default_params(), changed at will.
            verbose: has no effect; messages are llama_log_set()'s business.

        Raises:
            ModelLoadError: the file cannot be loaded (a ValueError).
        """
        require_ready()
        self._own(_core.Model(path_model, model_params(params)), path_model, params, verbose)

    @classmethod
    def of(cls, model: _core.Model, params: ModelParams, verbose: bool) -> LlamaModel:
        """Returns one for a model that is loaded already."""
        new = cls.__new__(cls)
        new._own(model, model.path, params, verbose)
        return new

    def _own(self, model: _core.Model, path: str, params: ModelParams, verbose: bool) -> None:
        self.path_model = path
        self.params = params
        self.verbose = verbose
        self.sampler = None
        self.custom_samplers: List[Any] = []
        self._contexts: List[Any] = []
        self.model: Union[_core.Model, None] = model

    @property
    def _as_parameter_(self) -> _core.Model:
        if self.model is None:
            raise ClosedError("this model is closed; create a new one to go on")
        return self.model

    @property
    def vocab(self) -> Vocab:
        """Address of the vocabulary."""
        return Vocab(self._as_parameter_)

    def close(self) -> None:
        """Frees the model and its contexts."""
        for context in self._contexts:
            context.close()
        if self.model is not None:
            self.model.close()
            self.model = None

    # ---- model

    def n_ctx_train(self) -> int:
        return self._as_parameter_.n_ctx_train

    def n_embd(self) -> int:
        return self._as_parameter_.n_embd

    def rope_freq_scale_train(self) -> float:
        return self._as_parameter_.rope_freq_scale_train

    def desc(self) -> str:
        return self._as_parameter_.desc

    def size(self) -> int:
        return self._as_parameter_.size

    def n_params(self) -> int:
        return self._as_parameter_.n_params

    def metadata(self) -> Dict[str, str]:
        return self._as_parameter_.metadata()

    def get_tensor(self, name: str) -> NoReturn:
        raise NotImplementedError("llama.cpp has no function that returns a tensor of a model")

    @staticmethod
    def default_params() -> llama_h.llama_model_params:
        return llama_h.llama_model_default_params()

    # ---- vocabulary

    def vocab_type(self) -> int:
        return llama_h.llama_vocab_type(self)

    def n_vocab(self) -> int:
        return self._as_parameter_.n_vocab

    def token_get_text(self, token: int) -> str:
        return self._as_parameter_.token_text(token)

    def token_get_score(self, token: int) -> float:
        return llama_h.llama_vocab_get_score(self, token)

    def token_get_attr(self, token: int) -> int:
        return llama_h.llama_vocab_get_attr(self, token)

    def token_bos(self) -> int:
        return self._as_parameter_.token_bos

    def token_eos(self) -> int:
        return self._as_parameter_.token_eos

    def token_cls(self) -> int:
        return self.token_bos()  # as llama.h's deprecated llama_vocab_cls()

    def token_sep(self) -> int:
        return llama_h.llama_vocab_sep(self)

    def token_nl(self) -> int:
        return self._as_parameter_.token_nl

    def token_prefix(self) -> int:
        return llama_h.llama_vocab_fim_pre(self)

    def token_middle(self) -> int:
        return llama_h.llama_vocab_fim_mid(self)

    def token_suffix(self) -> int:
        return llama_h.llama_vocab_fim_suf(self)

    def token_eot(self) -> int:
        return llama_h.llama_vocab_eot(self)

    def add_bos_token(self) -> bool:
        return llama_h.llama_vocab_get_add_bos(self)

    def add_eos_token(self) -> bool:
        return llama_h.llama_vocab_get_add_eos(self)

    # ---- text

    def tokenize(self, text: bytes, add_bos: bool, special: bool) -> List[int]:
        return self._as_parameter_.tokenize(text, add_bos, special)

    def token_to_piece(self, token: int, special: bool = False) -> bytes:
        return self._as_parameter_.token_to_piece(token, special)

    def detokenize(self, tokens: List[int], special: bool = False) -> bytes:
        """Returns the text of tokens, without the space that SPM puts behind a leading BOS."""
        piece = self._as_parameter_.token_to_piece
        text = b"".join([piece(token, special) for token in tokens])
        if tokens and tokens[0] == self.token_bos() and text[:1] == b" ":
            return text[1:]
        return text
