r"""How a token is written in log probabilities.

As OpenAI does it: a token that is whole characters is its text, and one that begins or ends within
a character is ``bytes:`` and its bytes, printable ASCII as it is, the others as ``\xNN``.
"""

from __future__ import annotations

import codecs
import re

_PREFIX = "bytes:"
_ESCAPE = re.compile(r"\\x[89a-f][0-9a-f]")


def token_text(piece: bytes) -> str:
    """Returns the text of a token whose bytes are `piece`."""
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return _PREFIX + "".join(map(_byte_text, piece))


def token_bytes(text: str) -> bytes:
    """Returns the bytes of the token that token_text() wrote as `text`."""
    if text.startswith(_PREFIX) and text.isascii() and _ESCAPE.search(text):
        return codecs.escape_decode(text[len(_PREFIX) :].encode("ascii"))[0]
    return text.encode("utf-8")


def _byte_text(byte: int) -> str:
    if byte == ord("\\"):
        return "\\\\"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"


class TextPosition:
    """Where tokens begin in a text, of which each is a part.

    A token that begins within a character is where the character is. Bytes that are not UTF-8
    count as the U+FFFD that stand for them in the text.
    """

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, piece: bytes) -> int:
        """Goes past the bytes of a token; returns the offset of its first one."""
        if not piece:
            return self._offset
        self._offset += len(self._decoder.decode(piece[:1]))
        is_within = bool(self._decoder.getstate()[0])
        begin = self._offset if is_within else self._offset - 1
        self._offset += len(self._decoder.decode(piece[1:]))
        return begin
