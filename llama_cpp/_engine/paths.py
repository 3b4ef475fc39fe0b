"""Paths that users pass: any bytes, in any place, of any kind of file."""

from __future__ import annotations

import errno
import os
import stat
from typing import Union

from .._errors import ModelLoadError

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

# Far above every grammar or schema; /dev/zero is longer.
_LONGEST_TEXT = 64 << 20


def shown(path: StrPath) -> str:
    """Returns a path as text that can be printed: bytes that are not UTF-8 become U+FFFD."""
    text = os.fspath(path)
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    return text.decode("utf-8", "replace").replace("\0", "\\0")


def model_path(path: StrPath) -> str:
    """Returns the path as str, as os.fsdecode() does. ModelLoadError if no file can have it."""
    try:
        text = os.fsdecode(path)
        os.fsencode(text)
    except UnicodeEncodeError as error:
        raise ModelLoadError(
            f"Model path {path!r} cannot be the name of a file: {error.reason}.\n"
            "Take the path from os.listdir() or pathlib, or pass it as bytes."
        ) from None
    if "\0" in text:
        raise ModelLoadError(f"Model path is invalid: it contains a NUL character: {text!r}")
    return text


def check_exists(path: str, noun: str = "Model path") -> None:
    """Raises ModelLoadError, with the reason, unless there is something at `path`."""
    try:
        os.stat(path)
    except OSError as error:
        raise ModelLoadError(f"{noun} {_why_missing(path, error)}") from None


def _why_missing(path: str, error: OSError) -> str:
    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
        return f"cannot be examined: {shown(path)}: {error.strerror}"
    if os.path.islink(path):
        hint = f"It is a link to {shown(os.readlink(path))}, which does not exist."
    elif path.startswith("~"):
        hint = "Python does not expand ~: pass os.path.expanduser(path)."
    else:
        hint = "Give the path of a .gguf file."
        if not os.path.isabs(path):
            hint += f" Relative paths start at {shown(os.getcwd())}."
    return f"does not exist: {shown(path)}\n{hint}"


def read_text(path: StrPath) -> str:
    """Returns the text of a UTF-8 file or pipe.

    A pipe without a writer is empty, instead of waited for. Raises OSError for devices, folders
    and files that are too long, and UnicodeDecodeError.
    """
    # Windows has no O_NONBLOCK, and nothing that it would be needed for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if stat.S_ISFIFO(mode):
            data = _read_pipe(descriptor)
        elif stat.S_ISREG(mode):
            data = _read_file(descriptor)
        else:
            raise OSError(errno.EINVAL, "It is neither a file nor a pipe")
    finally:
        os.close(descriptor)
    if len(data) > _LONGEST_TEXT:
        raise OSError(errno.EFBIG, f"It is longer than {_LONGEST_TEXT >> 20} MiB")
    return data.decode("utf-8")


def _read_file(descriptor: int) -> bytes:
    parts = []
    while sum(map(len, parts)) <= _LONGEST_TEXT:
        part = os.read(descriptor, 1 << 20)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _read_pipe(descriptor: int) -> bytes:
    try:
        begin = os.read(descriptor, 1 << 16)
    except BlockingIOError:  # the writer is not ready yet
        begin = None
    if begin == b"":
        return begin
    os.set_blocking(descriptor, True)
    return (begin or b"") + _read_file(descriptor)
