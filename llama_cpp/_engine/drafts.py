"""Draft models: guesses of the next tokens, which the model then verifies in one batch."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
import numpy.typing as npt


class LlamaDraftModel(abc.ABC):
    """Something that guesses how a sequence of tokens goes on."""

    @abc.abstractmethod
    def __call__(self, input_ids: npt.NDArray[np.intc], /, **kwargs: Any) -> npt.NDArray[np.intc]:
        """Returns the guessed tokens (1-D, may be empty) after `input_ids` (1-D)."""
        raise NotImplementedError()


class LlamaPromptLookupDecoding(LlamaDraftModel):
    """Guesses by looking up the last few tokens in the text so far (prompt lookup decoding).

    The longest n-gram of at most `max_ngram_size` tokens that occurred before is searched first;
    the tokens after its first occurrence, at most `num_pred_tokens`, are the guess.
    """

    def __init__(self, max_ngram_size: int = 2, num_pred_tokens: int = 10):
        self.max_ngram_size = max_ngram_size
        self.num_pred_tokens = num_pred_tokens

    @staticmethod
    def find_candidate_pred_tokens(
        input_ids: npt.NDArray[np.intc], max_ngram_size: int, num_pred_tokens: int
    ) -> npt.NDArray[np.intc]:
        """Returns the guess for `input_ids`; empty when no n-gram occurred before."""
        length = input_ids.shape[0]
        for size in range(min(max_ngram_size, length - 1), 0, -1):
            starts = length - size  # every place before the n-gram's own, which has no continuation
            found = np.ones(starts, dtype=bool)
            for offset in range(size):
                found &= input_ids[offset : offset + starts] == input_ids[starts + offset]
            if found.any():
                begin = int(found.argmax()) + size
                return input_ids[begin : begin + num_pred_tokens]
        return np.array([], dtype=np.intc)

    def __call__(self, input_ids: npt.NDArray[np.intc], /, **kwargs: Any) -> npt.NDArray[np.intc]:
        return self.find_candidate_pred_tokens(
            input_ids=input_ids,
            max_ngram_size=self.max_ngram_size,
            num_pred_tokens=self.num_pred_tokens,
        )
