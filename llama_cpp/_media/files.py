"""Bytes of files: paths and file objects of the program, and `file:` URLs (RFC 8089)."""

from __future__ import annotations

import os
import re
import stat
from typing import Any, BinaryIO, Callable, Union
from urllib.parse import unquote_to_bytes, urlsplit

from .._errors import MediaError
from .item import Item, short

StrPath = Union[str, "os.PathLike[str]"]

_PIECE = 1 << 20
# Windows has no O_NONBLOCK and O_NOFOLLOW, other systems no O_BINARY.
_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"):
    _FLAGS |= getattr(os, _name, 0)


def read_path(path: StrPath, item: Item) -> bytes:
    """Returns the bytes of a file that the program names. Raises MediaError."""
    try:
        with open(path, "rb") as file:
            return read_to_end(file.read, item)
    except (OSError, ValueError) as error:
        raise _unreadable(error, item, _hint(path)) from None


def read_object(file: BinaryIO, item: Item) -> bytes:
    """Returns the bytes of an open file, from its position to its end.

    Raises MediaError, and TypeError for a file of text.
    """
    try:
        return read_to_end(file.read, item)
    except (OSError, ValueError) as error:
        raise _unreadable(error, item, "Pass a file that is open for reading.") from None


def read_url(url: str, item: Item) -> bytes:
    """Returns the bytes of the file that a `file:` URL names, in the policy's directory.

    Raises MediaError.
    """
    directory = item.policy.allow_files
    if directory is None:
        raise MediaError(
            f"{item} is refused: file: URLs are not allowed\n"
            "Pass the path itself (pathlib.Path), or set MediaPolicy(allow_files=directory)."
        )
    try:
        path = _inside(_path(url), os.fspath(directory))
        if path is None:
            raise MediaError(
                f"{item} is refused: it is not in the directory of MediaPolicy's allow_files\n"
                "Write file:// and the absolute path of a file in it."
            )
        with open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("It is not a regular file")
            return read_to_end(file.read, item)
    except (OSError, ValueError) as error:
        hint = "Write file:// and the absolute path of a file."
        raise _unreadable(error, item, hint) from None


def read_to_end(read: Callable[[int], Any], item: Item) -> bytes:
    """Returns the bytes that read(size) returns, until there are none.

    Raises MediaError if they are too many for the item.
    """
    data = bytearray()
    while True:
        # One byte more than allowed shows that it is too large.
        piece = read(min(_PIECE, item.max_bytes + 1 - len(data)))
        if piece is None:
            raise OSError("It does not block, and has no data yet")
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"{item} is a file of {type(piece).__name__}, not of bytes\nOpen it with mode 'rb'."
            )
        if not piece:
            return bytes(data)
        data += piece
        item.check_length(len(data))


def _unreadable(error: Exception, item: Item, hint: str) -> MediaError:
    """Returns the error for one of the system; a MediaError as it is."""
    if isinstance(error, MediaError):
        return error
    reason = short(getattr(error, "strerror", None) or str(error) or type(error).__name__)
    return MediaError(f"{item} cannot be read: {reason}\n{hint}")


def _hint(path: StrPath) -> str:
    text = os.fspath(path)
    if isinstance(text, str) and text.startswith("~"):
        return "Python does not expand ~: pass os.path.expanduser(path)."
    if os.path.isabs(text):
        return "Give the path of a file."
    return f"Give the path of a file. Relative paths start at {short(os.getcwd())}."


# ---- file: URLs


def _path(url: str) -> str:
    """Returns the path of a `file:` URL. Raises ValueError if it is not one of this machine."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"the URL names the host {short(parts.netloc)}")
    if parts.query or parts.fragment:
        raise ValueError("the URL has a query or a fragment; %3F and %23 are ? and #")
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if os.name == "nt":
        path = re.sub(r"^/(?=[A-Za-z]:)", "", path)
    if not os.path.isabs(path):
        raise ValueError("the URL has no absolute path")
    return path


def _inside(path: str, directory: str) -> Union[str, None]:
    """Returns the real path of a file if it is in the directory, else None.

    The text is compared first: on Windows a look at //server/share would log in there.
    """
    plain = os.path.abspath(path)
    root = os.path.realpath(directory)
    if not any(_starts(plain, start) for start in (os.path.abspath(directory), root)):
        return None
    real = os.path.realpath(plain)
    return real if _starts(real, root) else None


def _starts(path: str, directory: str) -> bool:
    start = os.path.normcase(directory).rstrip(os.sep) + os.sep
    return os.path.normcase(path).startswith(start)
