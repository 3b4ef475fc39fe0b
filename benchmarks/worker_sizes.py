"""How many tokens are timed, the same for every peer."""

from __future__ import annotations

PROMPT_TOKENS = 512
DECODED_TOKENS = 64
# Far from the special tokens, and the same ids on all sides.
FIRST_TOKEN = 300


def prompt_tokens() -> list[int]:
    """Returns the prompt."""
    return [FIRST_TOKEN + i % 200 for i in range(PROMPT_TOKENS)]
