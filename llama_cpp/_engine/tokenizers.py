"""Tokenizers: the model's own, or one of Hugging Face's `transformers`."""

from __future__ import annotations

import abc
from typing import Any, List, NamedTuple, Optional, Protocol

from .. import _core
from .loading import load_vocabulary


class HasModel(Protocol):
    """Such as Llama."""

    @property
    def model(self) -> _core.Model:
        """The native model."""
        ...


class _Vocabulary(NamedTuple):
    model: _core.Model


class BaseLlamaTokenizer(abc.ABC):
    """The interface of ``Llama(tokenizer=...)``."""

    @abc.abstractmethod
    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = True) -> List[int]:
        """Turns UTF-8 text into tokens.

        `add_bos` adds the tokens around a text (BOS, for some models EOS, too); `special`
        turns text like ``</s>`` into the control token of that name.
        """
        raise NotImplementedError

    @abc.abstractmethod
    def detokenize(
        self, tokens: List[int], prev_tokens: Optional[List[int]] = None, special: bool = False
    ) -> bytes:
        """Turns tokens into UTF-8 text, which may begin or end within a character.

        `prev_tokens` are the tokens before them, for tokenizers whose text depends on those;
        `special` shows control tokens.
        """
        raise NotImplementedError


class LlamaTokenizer(BaseLlamaTokenizer):
    """The tokenizer in the model file."""

    def __init__(self, llama: HasModel):
        self._model = llama.model

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = True) -> List[int]:
        """Turns UTF-8 text into tokens. TokenizeError for text that is not valid UTF-8."""
        if isinstance(text, str):
            raise TypeError("tokenize() takes bytes: pass text.encode('utf-8')")
        return self._model.tokenize(text, add_bos, special)

    def detokenize(
        self, tokens: List[int], prev_tokens: Optional[List[int]] = None, special: bool = False
    ) -> bytes:
        """Turns tokens into text, after BOS without the space that SentencePiece adds."""
        piece = self._model.token_to_piece
        text = b"".join([piece(token, special) for token in tokens])
        if text[:1] == b" " and tokens[0] == self._model.token_bos:
            return text[1:]
        return text

    def encode(self, text: str, add_bos: bool = True, special: bool = True) -> List[int]:
        """Turns a string into tokens; lone surrogates are left out."""
        return self.tokenize(text.encode("utf-8", errors="ignore"), add_bos, special)

    def decode(self, tokens: List[int]) -> str:
        """Turns tokens into a string; incomplete characters are left out."""
        return self.detokenize(tokens).decode("utf-8", errors="ignore")

    @classmethod
    def from_ggml_file(cls, path: str) -> LlamaTokenizer:
        """Loads only the vocabulary of a GGUF file."""
        return cls.of_model(load_vocabulary(path))

    @classmethod
    def of_model(cls, model: _core.Model) -> LlamaTokenizer:
        """Returns the tokenizer of a native model."""
        return cls(_Vocabulary(model))


class LlamaHFTokenizer(BaseLlamaTokenizer):
    """A tokenizer of Hugging Face's `transformers`."""

    def __init__(self, hf_tokenizer: Any):
        self.hf_tokenizer = hf_tokenizer

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = True) -> List[int]:
        return self.hf_tokenizer.encode(
            text.decode("utf-8", errors="ignore"), add_special_tokens=special
        )

    def detokenize(
        self, tokens: List[int], prev_tokens: Optional[List[int]] = None, special: bool = False
    ) -> bytes:
        if prev_tokens is None:
            return self._decode(tokens, special)
        before = self._decode(prev_tokens, special)
        return self._decode([*prev_tokens, *tokens], special)[len(before) :]

    def _decode(self, tokens: List[int], special: bool) -> bytes:
        text = self.hf_tokenizer.decode(tokens, skip_special_tokens=not special)
        return text.encode("utf-8", errors="ignore")

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str) -> LlamaHFTokenizer:
        """Loads the tokenizer of a model by name or folder."""
        try:
            from transformers import AutoTokenizer
        except ImportError as error:
            raise ImportError(
                "LlamaHFTokenizer needs the transformers package: pip install transformers"
            ) from error
        return cls(AutoTokenizer.from_pretrained(pretrained_model_name_or_path))
