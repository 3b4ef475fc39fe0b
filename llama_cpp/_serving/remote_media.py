"""Images and sounds of requests, fetched by this package's rules and not by llama.cpp's.

llama.cpp would open any http: and file: address that a message names.
"""

from __future__ import annotations

import base64
import os
from typing import Any, Dict, Mapping, Optional, Tuple

from .._media.policy import MediaPolicy
from .._media.sources import load_bytes

# Keys of content parts that hold an address -> the kind of the file, and the type of its data URL:
# llama.cpp tells the format by the bytes.
_PARTS: Dict[str, Tuple[Any, str]] = {
    "image_url": ("image", "image/png"),
    "audio_url": ("sound", "audio/wav"),
}

# A program's own parts, files by their path or content -> their form in a request.
_OWN = {"image": ("image_url", "image/png"), "audio": ("audio_url", "audio/wav")}


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
            return _data_part(key, media_type, load_bytes(url, policy, kind))
    for key, (address_key, media_type) in _OWN.items():
        value = part.get(key)
        if part.get("type") == key and isinstance(value, (bytes, bytearray, memoryview)):
            return _data_part(address_key, media_type, bytes(value))
        if part.get("type") == key and isinstance(value, (str, os.PathLike)):
            with open(value, "rb") as file:
                return _data_part(address_key, media_type, file.read())
    return part


def _data_part(key: str, media_type: str, data: bytes) -> Dict[str, Any]:
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return {"type": key, key: {"url": url}}
