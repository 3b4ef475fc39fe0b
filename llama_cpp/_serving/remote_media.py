"""Images and sounds of requests, fetched by this package's rules and not by llama.cpp's.

llama.cpp would open any http: and file: address that a message names.
"""

from __future__ import annotations

import base64
from typing import Any, Dict, Mapping, Optional, Tuple

from .._media.policy import MediaPolicy
from .._media.sources import load_bytes

# Keys of content parts that hold an address -> the kind of the file, and the type of its data URL:
# llama.cpp tells the format by the bytes.
_PARTS: Dict[str, Tuple[Any, str]] = {
    "image_url": ("image", "image/png"),
    "audio_url": ("sound", "audio/wav"),
}


def with_data(messages: Any, policy: Optional[MediaPolicy]) -> Any:
    """Returns messages in which each address of an image or sound is a data: URL.

    Raises:
        MediaError: an address is refused, or there is no such file.
    """
    if not isinstance(messages, list):
        return messages
    rules = policy or MediaPolicy()
    return [_message(message, rules) for message in messages]


def _message(message: Any, policy: MediaPolicy) -> Any:
    if not isinstance(message, Mapping) or not isinstance(message.get("content"), list):
        return message
    return {**message, "content": [_part(part, policy) for part in message["content"]]}


def _part(part: Any, policy: MediaPolicy) -> Any:
    if not isinstance(part, Mapping):
        return part
    for key, (kind, media_type) in _PARTS.items():
        value = part.get(key)
        url = value.get("url") if isinstance(value, Mapping) else value
        if isinstance(url, str):
            data = base64.b64encode(load_bytes(url, policy, kind)).decode()
            return {"type": key, key: {"url": f"data:{media_type};base64,{data}"}}
    return part
