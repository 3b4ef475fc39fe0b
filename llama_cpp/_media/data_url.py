"""Bytes that are written as text: `data:` URLs (RFC 2397) and base64 (RFC 4648)."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from .._errors import MediaError
from .item import Item

_BASE64 = re.compile(r"; *base64 *$", re.IGNORECASE)
_WHITESPACE = b"\t\n\f\r "
_PIECE = 1 << 16
_EXAMPLE = 'Write it as "data:image/png;base64," + base64.b64encode(data).decode().'


def decode(url: str, item: Item) -> bytes:
    """Returns the bytes of a `data:` URL, in base64 or percent-encoded.

    Its media type is not looked at: the bytes themselves tell their format. Raises MediaError.
    """
    head, comma, payload = url[len("data:") :].partition(",")
    if not comma:
        raise MediaError(f"{item} is malformed: it has no comma before the data\n{_EXAMPLE}")
    if _BASE64.search(head):
        return from_base64(payload, item)
    item.check_length(len(payload) // 3)  # at least
    data = _unquoted(_encoded(payload, item))
    item.check_length(len(data))
    return data


def from_base64(text: str, item: Item) -> bytes:
    """Returns the bytes that a text in base64 stands for; line breaks and %XX are taken too.

    Raises MediaError for other characters and missing padding, which mean that a part is lost.
    """
    encoded = _encoded(text, item)
    if b"%" in encoded:
        encoded = _unquoted(encoded)
    encoded = encoded.translate(None, _WHITESPACE)
    padding = len(encoded[-2:]) - len(encoded[-2:].rstrip(b"="))
    item.check_length(len(encoded) // 4 * 3 - padding)
    try:
        if len(encoded) % 4:  # Python 3.9 takes a single "="
            raise binascii.Error("its length is no multiple of 4")
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise MediaError(f"{item} is not valid base64: {error}\n{_EXAMPLE}") from None


def _encoded(text: str, item: Item) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        character = ascii(text[error.start])
        raise MediaError(
            f"{item} is malformed: its data contains {character}, which is not ASCII\n{_EXAMPLE}"
        ) from None


def _unquoted(encoded: bytes) -> bytes:
    """Does unquote_to_bytes() in pieces: its list of parts is many times as large as its input."""
    data = bytearray()
    start = 0
    while start < len(encoded):
        end = start + _PIECE
        percent = encoded.rfind(b"%", end - 2, end)
        if percent > start:
            end = percent
        data += unquote_to_bytes(encoded[start:end])
        start = end
    return bytes(data)
