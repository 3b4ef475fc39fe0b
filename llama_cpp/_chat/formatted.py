"""The result of a chat formatter."""

from __future__ import annotations

import dataclasses
from typing import List, Optional, Union

from .._engine.processors import StoppingCriteriaList


@dataclasses.dataclass
class ChatFormatterResponse:
    """A prompt made of messages, and the end of its answer.

    `added_special` says that the prompt contains BOS already; `stop` and `stopping_criteria` end
    the answer.
    """

    prompt: str
    stop: Optional[Union[str, List[str]]] = None
    stopping_criteria: Optional[StoppingCriteriaList] = None
    added_special: bool = False
