"""The archive: entries, their paths, dates and modes, and RECORD."""

from __future__ import annotations

import base64
import collections
import csv
import hashlib
import io
import stat
from collections.abc import Iterator

from .wheel import Wheel

_DATE = (1980, 1, 1, 0, 0, 0)
_MODES = (0o100644, 0o100755)
_AGAIN = "build the wheel again with py_abi_wheel"


def check(wheel: Wheel) -> Iterator[str]:
    """Yields problems with the archive."""
    yield from _paths(wheel)
    yield from _attributes(wheel)
    yield from _order(wheel)
    yield from _record(wheel)


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return "\\" not in path and ":" not in parts[0] and not {"", ".", ".."} & set(parts)


def _paths(wheel: Wheel) -> Iterator[str]:
    counts = collections.Counter(entry.filename for entry in wheel.entries)
    for path, count in counts.items():
        if count > 1:
            yield (
                f"{path}: the archive has {count} entries of this name, and tools differ in which "
                f"one they take; {_AGAIN}"
            )
        if not _is_safe(path):
            yield (
                f"{path}: the path is absolute or leaves the folder that the wheel is installed "
                f"in; {_AGAIN}"
            )


def _attributes(wheel: Wheel) -> Iterator[str]:
    for entry in wheel.entries:
        mode = entry.external_attr >> 16
        if stat.S_ISLNK(mode):
            yield (
                f"{entry.filename}: is a symbolic link, which wheels cannot have; "
                "put the file there, under one name"
            )
        elif mode not in _MODES:
            yield (
                f"{entry.filename}: has mode {mode:o}, which depends on who built it; "
                f"{_AGAIN}, which writes 644 or 755"
            )
        if entry.date_time != _DATE:
            date = "{}-{:02}-{:02}".format(*entry.date_time)
            yield (
                f"{entry.filename}: is dated {date}, which makes every build differ; "
                f"{_AGAIN}, which writes 1980-01-01"
            )


def _order(wheel: Wheel) -> Iterator[str]:
    paths = [entry.filename for entry in wheel.entries]
    record = f"{wheel.dist_info}/RECORD"
    if record in paths and paths[-1] != record:
        yield f"{record}: is not the last entry of the archive, as the wheel format asks; {_AGAIN}"
    inside = [path.startswith(wheel.dist_info + "/") for path in paths]
    if inside != sorted(inside):
        yield (
            f"{wheel.dist_info}: is not at the end of the archive, where tools read it quickly; "
            f"{_AGAIN}"
        )


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + digest.rstrip(b"=").decode()


def _record(wheel: Wheel) -> Iterator[str]:
    record = f"{wheel.dist_info}/RECORD"
    try:
        rows = [row for row in csv.reader(io.StringIO(wheel.text("RECORD"))) if row]
    except csv.Error as error:
        yield f"{record}: is no CSV ({error}); {_AGAIN}"
        return
    for row in rows:
        if len(row) != 3:
            yield f"{record}: the line {','.join(row)!r} does not have three fields; {_AGAIN}"
        elif row[0] != record:
            yield from _recorded(wheel, record, *row)
    listed = [row[0] for row in rows]
    for path, count in collections.Counter(listed).items():
        if count > 1:
            yield f"{path}: RECORD lists it {count} times; {_AGAIN}"
    for path in sorted(wheel.files.keys() - set(listed)):
        yield (
            f"{path}: is in the archive but not in RECORD, so uninstalling would leave it behind; "
            f"{_AGAIN}"
        )


def _recorded(wheel: Wheel, record: str, path: str, digest: str, size: str) -> Iterator[str]:
    """Compares one line of RECORD with its file."""
    data = wheel.files.get(path)
    if data is None:
        yield f"{path}: RECORD lists it, but it is not in the archive; {_AGAIN}"
        return
    if digest != _digest(data):
        yield (
            f"{path}: RECORD has the hash {digest or '(none)'}, the file has {_digest(data)}; "
            f"{_AGAIN}"
        )
    if size != str(len(data)):
        yield f"{path}: RECORD has the size {size or '(none)'}, the file has {len(data)}; {_AGAIN}"
