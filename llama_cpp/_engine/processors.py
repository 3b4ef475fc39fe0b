"""Python functions in the sampling loop: logits processors and stopping criteria."""

from __future__ import annotations

from typing import Callable, List, Optional

from .._numpy import FloatArray, IntArray, np

LogitsProcessor = Callable[[IntArray, FloatArray], FloatArray]


class LogitsProcessorList(List[LogitsProcessor]):
    """Logits processors, applied in order: (tokens so far, logits) -> logits."""

    def __call__(self, input_ids: IntArray, scores: FloatArray) -> FloatArray:
        for processor in self:
            scores = processor(input_ids, scores)
        return scores


StoppingCriteria = Callable[[IntArray, FloatArray], bool]


class StoppingCriteriaList(List[StoppingCriteria]):
    """Stopping criteria; generation stops when any says so: (tokens so far, logits) -> bool."""

    def __call__(self, input_ids: IntArray, logits: FloatArray) -> bool:
        return any([criterion(input_ids, logits) for criterion in self])


def any_of(criteria: Optional[List[StoppingCriteria]]) -> Optional[StoppingCriteriaList]:
    """Returns the criteria as one; None without any."""
    if not criteria or isinstance(criteria, StoppingCriteriaList):
        return criteria  # a list of them may be a subclass with a rule of its own
    return StoppingCriteriaList(criteria)


class MinTokensLogitsProcessor:
    """Forbids the token `token_eos` until `min_tokens` tokens were generated.

    Attributes:
        prompt_tokens: The prompt's length, which the first call finds out; None before.
    """

    def __init__(self, min_tokens: int, token_eos: int):
        self.min_tokens = min_tokens
        self.token_eos = token_eos
        self.prompt_tokens: Optional[int] = None

    def __call__(self, input_ids: IntArray, scores: FloatArray) -> FloatArray:
        if self.prompt_tokens is None:
            self.prompt_tokens = len(input_ids)
        if len(input_ids) - self.prompt_tokens < self.min_tokens:
            scores[self.token_eos] = -np.inf
        return scores
