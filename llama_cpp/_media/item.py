"""An image or a sound that is being loaded, as errors name it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from .._errors import MediaError
from .policy import MediaPolicy

Kind = Literal["image", "sound"]

_LONGEST_LABEL = 100
_SHOWN_OF_DATA = 40
_CREDENTIALS = re.compile(r"^([^:/?#]*://)[^/?#]*@")


class Item(NamedTuple):
    """An image or a sound, and the rules for it.

    Attributes:
        kind: "image" or "sound".
        label: Short text that tells its source from others.
        policy: The rules.
    """

    kind: Kind
    label: str
    policy: MediaPolicy

    def __str__(self) -> str:
        """Returns the subject of a sentence: "Image https://example.com/cat.png"."""
        return f"{self.kind.capitalize()} {self.label}"

    @property
    def max_bytes(self) -> int:
        """Returns the largest size of its file."""
        policy = self.policy
        return policy.max_image_bytes if self.kind == "image" else policy.max_sound_bytes

    def check_length(self, length: int) -> None:
        """Raises MediaError if a file of `length` bytes is too large."""
        if length > self.max_bytes:
            raise MediaError(
                f"{self} has more than {self.max_bytes} bytes\n"
                f"Make it smaller, or set MediaPolicy(max_{self.kind}_bytes=...)."
            )

    def check_size(self, width: int, height: int) -> None:
        """Raises MediaError if an image of this size is empty or too large."""
        if width < 1 or height < 1:
            raise MediaError(f"{self} has no pixels: it is {width} x {height}\nPass another image.")
        if width * height > self.policy.max_pixels:
            raise MediaError(
                f"{self} has {width} x {height} pixels, more than {self.policy.max_pixels}\n"
                "Make it smaller, or set MediaPolicy(max_pixels=...)."
            )


def url_label(url: str) -> str:
    """Returns a URL as errors show it: short, and without its secrets, credentials and query."""
    if url[:5].lower() == "data:":
        return f"{_printable(url[:_SHOWN_OF_DATA])}... ({len(url)} characters)"
    shown = _CREDENTIALS.sub(r"\1", url[: 10 * _LONGEST_LABEL])
    start, mark, _ = shown.partition("?")
    return short(start.partition("#")[0] + (f"{mark}..." if mark else ""))


def short(text: str) -> str:
    """Returns the beginning of a text, with escapes in place of unprintable characters."""
    shown = _printable(text[:_LONGEST_LABEL])
    return f"{shown}..." if len(text) > _LONGEST_LABEL else shown


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
