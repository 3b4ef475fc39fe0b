"""Target: the writer of a static wheel index, the reader of its pages, and its server.

Each command ends with 0, or with 1 and a sentence that says how to go on, and lets no exception
out. The server answers every request.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import publish
import serve
import synthetic
import write_index
from choices import Choices
from damage import damaged

_FOLDER = Path(tempfile.mkdtemp(prefix="wheel_index-"))
_TAG = "cp311-cp311-manylinux_2_17_x86_64"
_LABELS = ("+cpu", "+cu13", "", "-gpu1", "-null")


def _variant(label: str) -> dict[str, Any]:
    """Returns variant.json (PEP 825) of a label."""
    return {
        "$schema": "https://example.org/schema.json",
        "default-priorities": {"namespace": ["gpu"]},
        "providers": {"gpu": {"requires": ["gpu-provider"]}},
        "variants": {label: {"gpu": {"version": ["1"]}}},
    }


def _wheel(label: str) -> tuple[str, bytes]:
    """Returns name and contents of a good wheel."""
    local = label if label.startswith("+") else ""
    info = f"toy-1.0{local}.dist-info"
    files = {
        "toy/__init__.py": b"",
        f"{info}/METADATA": f"Name: toy\nVersion: 1.0{local}\nRequires-Python: >=3.9\n".encode(),
    }
    if label.startswith("-"):
        files[f"{info}/variant.json"] = json.dumps(_variant(label[1:])).encode()
    variant = label if label.startswith("-") else ""
    path = _FOLDER / f"toy-1.0{local}-{_TAG}{variant}.whl"
    return path.name, synthetic.write_wheel(path, files, info).read_bytes()


_WHEELS = dict(map(_wheel, _LABELS))


def _run(main: Callable[[], int], name: str) -> None:
    """Runs a command in this process; fails unless it ends as it should."""
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        code = main()
    text = errors.getvalue()
    assert (code, bool(text)) in ((0, False), (1, True)), (code, text)
    assert not text or (text.startswith(f"{name}: ") and "; " in text), text


def _write(wheels: dict[str, bytes], out: Path) -> None:
    """Writes an index of wheels."""
    folder = _FOLDER / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in wheels.items():
        (folder / name).write_bytes(content)
    plain = [folder / name for name in wheels if "+" not in name]
    local = [folder / name for name in wheels if "+" in name] or plain[:1]
    options = [f"--out={out}", "--upload-time=2026-11-25T12:00:00Z"]
    arguments = [*options, *(f"--variant={path}" for path in plain), *map(str, local)]
    shutil.rmtree(out, ignore_errors=True)
    with mock.patch.object(sys, "argv", ["write_index", *arguments]):
        _run(write_index.main, "write_index")


def _new_wheels(choices: Choices) -> None:
    """Writes an index of wheels, some of which are damaged or renamed."""
    wheels = dict(_WHEELS)
    while choices and wheels:
        name = choices.pick(list(wheels))
        content = wheels.pop(name)
        kind = choices.below(3)
        if kind == 0:
            content = damaged(content, choices)
        elif kind == 1:
            at = choices.below(len(name))
            name = (name[:at] + choices.text() + name[at + choices.below(8) :])[:80]
            name = name.replace("/", "").replace("\0", "").lstrip("-@.")
        if not name.isprintable():
            return  # the command line cannot have it
        if kind < 2 and name:
            wheels[name] = content
    if wheels:
        _write(wheels, _FOLDER / "new")


def _other_value(page: Any, choices: Choices) -> Any:
    """Returns a JSON document with another value, or another key, in one place."""
    if not isinstance(page, (dict, list)) or not page or choices.below(4) == 0:
        number = 10 ** choices.below(400)
        return choices.pick([None, choices.text(), 0, [], {}, [1], {"a": 1}, number, 0.5])
    if isinstance(page, dict):
        key = choices.pick(list(page))
        inner = {**page, key: _other_value(page[key], choices)}
        return inner if choices.below(4) else {**inner, choices.text(): inner.pop(key)}
    at = choices.below(len(page))
    return [*page[:at], _other_value(page[at], choices), *page[at + 1 :]]


def _damaged_page(path: Path, choices: Choices) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".v1_json" and choices.flag():
        return json.dumps(_other_value(json.loads(content), choices)).encode()
    return damaged(content, choices)


def _published(choices: Choices) -> None:
    """Publishes an index in another one; files of both are damaged."""
    saved: dict[Path, bytes] = {}
    arguments = [str(_FOLDER / "built"), str(_FOLDER / "hosted"), "--dry-run"]
    try:
        while choices:
            path = choices.pick(_FILES)
            if path not in saved:
                saved[path] = path.read_bytes()
                path.write_bytes(_damaged_page(path, choices))
        _run(lambda: publish.main(arguments), "publish")
    finally:
        for path, content in saved.items():
            path.write_bytes(content)


class _Connection:
    """A client's connection: the bytes that it sends, and those that it gets."""

    def __init__(self, request: bytes) -> None:
        self._request = io.BytesIO(request)
        self.answer = b""

    def makefile(self, *_: Any) -> io.BytesIO:
        return self._request

    def sendall(self, data: bytes) -> None:
        self.answer += data


class _Handler(serve._Handler):
    folder = _FOLDER.resolve() / "built"
    is_quiet = True


def _requested(choices: Choices) -> None:
    """Sends a request to the server."""
    if choices.flag():
        request = choices.bytes(2**16)
    else:
        address = choices.pick(("/", "/whl/cpu/", "/whl/cpu/toy/")) + choices.text()
        accept = choices.pick(("", "application/vnd.pypi.simple.v1+json;q=")) + choices.text()
        request = f"GET {address} HTTP/1.1\r\nAccept: {accept}\r\n\r\n"
        request = request.encode("utf-8", "surrogateescape")
    connection = _Connection(request)
    with contextlib.redirect_stderr(io.StringIO()):
        _Handler(connection, ("127.0.0.1", 1), None)
    # 501 and 505 are the answers to another method, and to another version of HTTP (RFC 9110).
    assert not connection.answer.startswith(b"HTTP/1.1 500"), connection.answer[:200]


for _name in ("built", "hosted"):
    _write(_WHEELS, _FOLDER / _name)
_FILES = sorted(
    path for name in ("built", "hosted") for path in (_FOLDER / name).rglob("*") if path.is_file()
)


def one_input(data: bytes) -> None:
    """Does one of the three."""
    choices = Choices(data)
    choices.pick((_new_wheels, _published, _requested))(choices)
