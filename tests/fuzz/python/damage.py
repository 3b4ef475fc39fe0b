"""Damage to the contents of a file."""

from __future__ import annotations

from choices import Choices

# Sizes and offsets in a file are integers of these bytes.
_WIDTHS = (1, 2, 4, 8)


def damaged(content: bytes, choices: Choices) -> bytes:
    """Returns the contents after one accident: bytes replaced, inserted or lost."""
    kind = choices.below(6)
    if kind == 0:
        return choices.data()
    at = choices.below(len(content) + 1)
    if kind == 1:
        return content[:at]
    if kind == 2:
        return content[:at] + choices.data() + content[at:]
    if kind == 3:
        return content[:at] + content[at + choices.below(256) :]
    if kind == 4:
        new = choices.data()
    else:
        width = choices.pick(_WIDTHS)
        new = (choices.number() % 256**width).to_bytes(width, "little")
    return content[:at] + new + content[at + len(new) :]
