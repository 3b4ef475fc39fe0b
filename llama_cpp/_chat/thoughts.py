"""The model's thoughts in an answer: their tags, their bound, and reading them without a template.

A template knows the tags of its model (_core.ChatPrompt). Other formats have none, so there the
tags are those of most models that think: DeepSeek-R1, Qwen3 and their relatives.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from .. import _core
from .._engine.gbnf import held_back
from .._engine.prompt import tokens_without_space
from .readers import Delta, TextReader


class Thoughts(NamedTuple):
    """The tags of thoughts.

    Attributes:
        start: begins a thought.
        ends: each ends a thought; the first is written when it is too long.
        given: the end of the prompt, which may have begun a thought.
    """

    start: str = "<think>"
    ends: Sequence[str] = ("</think>",)
    given: str = ""

    @property
    def begun(self) -> bool:
        """Whether the prompt has begun a thought and not ended it."""
        return self.given.rfind(self.start) > max(self.given.rfind(end) for end in self.ends)

    def limit(self, params: _core.SamplingParams, model: _core.Model, n_tokens: int) -> None:
        """Lets the sampler end a thought after `n_tokens` tokens."""
        params.reasoning_budget_tokens = n_tokens
        params.reasoning_budget_start = tokens_without_space(model, self.start, True)
        params.reasoning_budget_end = [tokens_without_space(model, end, True) for end in self.ends]
        params.reasoning_budget_forced = tokens_without_space(model, self.ends[0], True)
        params.generation_prompt = self.given


class ThoughtReader(TextReader):
    """The text is the answer, after a thought between tags if it begins with one."""

    def __init__(self, thoughts: Thoughts, completion_id: str = "") -> None:
        super().__init__()
        self._tags = thoughts
        self._thought: List[str] = []
        self._pending = ""  # may be the beginning of a tag, or space around a thought
        self._state = self._think if thoughts.begun else self._begin

    def push(self, text: str) -> List[Delta]:
        self._pending += text
        deltas: List[Delta] = []
        state = None
        while state != self._state:
            state = self._state
            deltas += state()
        return deltas

    def _begin(self) -> List[Delta]:
        """Before the answer: a thought, unless other text comes."""
        text = self._pending.lstrip()
        if text.startswith(self._tags.start):
            self._pending = text[len(self._tags.start) :]
            self._state = self._think
        elif text and not self._tags.start.startswith(text):
            self._state = self._answer
        return []

    def _think(self) -> List[Delta]:
        text, end = _before_any(self._pending, self._tags.ends)
        if not self._thought:
            text = text.lstrip()
        if end:
            text = text.rstrip()
            self._pending = self._pending[self._pending.index(end) + len(end) :]
            self._state = self._end
        else:  # space, and what may be a tag, wait
            text = text.rstrip()
            at = self._pending.index(text) + len(text) if text else 0
            self._pending = self._pending[at:]
        if not text:
            return []
        self._thought.append(text)
        return [{"reasoning_content": text}]

    def _end(self) -> List[Delta]:
        """After a thought: space, then the answer."""
        self._pending = self._pending.lstrip()
        if self._pending:
            self._state = self._answer
        return []

    def _answer(self) -> List[Delta]:
        text, self._pending = self._pending, ""
        return super().push(text) if text else []

    def finish(self, truncated: bool) -> List[Delta]:
        """Shows the text that waited for more of a tag."""
        text, self._pending = self._pending, ""
        if not text or self._state == self._end:
            return []
        if self._state == self._think:
            text = text.rstrip()
            self._thought.append(text)
            return [{"reasoning_content": text}] if text else []
        return super().push(text)

    def message(self) -> Dict[str, Any]:
        message = super().message()
        if self._thought:
            message["reasoning_content"] = "".join(self._thought)
        return message


def _before_any(text: str, tags: Sequence[str]) -> Tuple[str, str]:
    """Returns the text before the first of `tags`, and that tag.

    Without one: the text that cannot belong to a tag that begins at its end, and "".
    """
    found = min(((text.index(tag), tag) for tag in tags if tag in text), default=None)
    if found is not None:
        return text[: found[0]], found[1]
    return text[: len(text) - held_back(text, tags)], ""
