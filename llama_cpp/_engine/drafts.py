"""Draft models: guesses of the next tokens, which the model then verifies in one batch."""

from __future__ import annotations

import abc
from typing import Any, Callable, List, Protocol

from .._numpy import np, npt


class LlamaDraftModel(abc.ABC):
    """Something that guesses how a sequence of tokens goes on."""

    @abc.abstractmethod
    def __call__(self, input_ids: npt.NDArray[np.intc], /, **kwargs: Any) -> npt.NDArray[np.intc]:
        """Returns the guessed tokens (1-D, may be empty) after `input_ids` (1-D)."""
        raise NotImplementedError()


class Drafts(Protocol):
    """Something that guesses, and is told how many of its guesses were right."""

    def begin(self, text: npt.NDArray[np.intc]) -> None:
        """Begins a generation after a text; images and sounds in it have negative ids."""

    def draft(self, text: npt.NDArray[np.intc], last_position: int, most: int) -> List[int]:
        """Returns at most `most` tokens, or what stands for images, that may follow a text.

        `last_position` is that of its last token in the context.
        """

    def accept(self, count: int) -> None:
        """Tells how many of the last guesses the model agreed with."""


class DraftsOfFunction:
    """The guesses of a LlamaDraftModel, or of another function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def begin(self, text: npt.NDArray[np.intc]) -> None:
        pass

    def draft(self, text: npt.NDArray[np.intc], last_position: int, most: int) -> List[int]:
        return np.asarray(self._function(text))[:most].astype(int).tolist()

    def accept(self, count: int) -> None:
        pass


class Speculation:
    """Counts the drafts of a Llama: how often the model agreed with them.

    Attributes:
        drafts: the number of drafts.
        drafted: the number of their tokens.
        accepted: the number of tokens that the model drew, too. It has not looked at the last ones
            of a generation that ended before.
    """

    drafts: int
    drafted: int
    accepted: int

    def __init__(self) -> None:
        self.reset()

    @property
    def rate(self) -> float:
        """The part of the tokens that was accepted; 0 without drafts."""
        return self.accepted / self.drafted if self.drafted else 0.0

    def reset(self) -> None:
        """Begins to count again."""
        self.drafts = self.drafted = self.accepted = 0

    def __repr__(self) -> str:
        return (
            f"Speculation(drafts={self.drafts}, drafted={self.drafted}, accepted={self.accepted})"
        )


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
