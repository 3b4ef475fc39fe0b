"""Which images and sounds are loaded: the places they may come from, and their limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Optional, Union

__all__ = ["MediaPolicy"]

# A day. socket.settimeout() takes at most 24 days where poll() counts milliseconds in an int.
_LONGEST_TIMEOUT = 86_400


@dataclass(frozen=True)
class MediaPolicy:
    """Says which images and sounds of chats are loaded.

    The defaults fit messages that strangers wrote: `data:` URLs and public `https:` ones. Files
    that the program opens itself (a path that is not a URL, bytes, a file object) are always taken;
    the limits hold for them too.

    Attributes:
        allow_http: Take `http:` URLs too, which anybody on the way can read and replace.
        allow_files: Directory whose files `file:` URLs may name, at any depth. A link counts as the
            file that it leads to. None refuses all `file:` URLs.
        allow_private: Connect to addresses that are not public too: loopback, private, link-local
            and all others that IANA's registries reserve. They belong to this machine and to
            services that trust its network.
        max_image_bytes: Size of an image's file. 20 MiB: OpenAI's guide to images takes 20 MB.
        max_sound_bytes: Size of a sound's file. 25 MiB: OpenAI's guide to speech takes 25 MB.
        max_pixels: Width times height. 89,478,485 have 256 MiB as RGB; Pillow's
            Image.MAX_IMAGE_PIXELS is the same.
        max_seconds: Length of a sound. An hour has 220 MiB as float32 at 16 kHz, about as much as
            the largest image.
        timeout: Seconds for a whole download with its redirects: 20 MiB at 6 Mbit/s take 28.
        max_redirects: Redirects of a download. RFC 2068, section 10.3 recommends at most 5.
    """

    allow_http: bool = False
    allow_files: Optional[Union[str, os.PathLike[str]]] = None
    allow_private: bool = False
    max_image_bytes: int = 20 << 20
    max_sound_bytes: int = 25 << 20
    max_pixels: int = (256 << 20) // 3
    max_seconds: float = 3600.0
    timeout: float = 30.0
    max_redirects: int = 5

    def __post_init__(self) -> None:
        for name, least in (
            ("max_image_bytes", 1),
            ("max_sound_bytes", 1),
            ("max_pixels", 1),
            ("max_redirects", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int):
                raise TypeError(f"{name} has to be a whole number, not {value!r:.80}")
            if value < least:
                raise ValueError(f"{name} has to be at least {least}, not {value}")
        _check_seconds("max_seconds", self.max_seconds, float("inf"))
        _check_seconds("timeout", self.timeout, _LONGEST_TIMEOUT)


def _check_seconds(name: str, value: float, most: float) -> None:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name} has to be a number of seconds, not {value!r:.80}")
    if not 0 < value <= most or value == float("inf"):
        limit = f", and at most {most}" if most < float("inf") else ""
        raise ValueError(f"{name} has to be more than 0 and finite{limit}, not {value}")
