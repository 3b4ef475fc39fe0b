"""Rewrites the files of the project that follow from the sources of llama.cpp."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

from .errors import BumpError
from .source import Pin

_FOLDER = "third_party/llama.cpp"


class Project:
    """The files of a checkout of this project; `changed` names the rewritten ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changed: list[str] = []

    def pin(self) -> Pin:
        """Returns the pin of now."""
        text = self._text(f"{_FOLDER}/pin.bzl")
        return Pin(*(_string(text, field) for field in Pin.__dataclass_fields__))

    def set_pin(self, pin: Pin) -> None:
        """Writes package, file, SHA-256 and directory."""
        text = self._text(f"{_FOLDER}/pin.bzl")
        for field in Pin.__dataclass_fields__:
            text = _replace(rf'(    {field} = ")[^"]*(",)', getattr(pin, field), text, "pin.bzl")
        text = _replace(r"(?s)(\A\"\"\")[^\n]*(\"\"\"\n)", _origin(pin), text, "pin.bzl")
        self._write(f"{_FOLDER}/pin.bzl", text)

    def set_versions(self, versions: Mapping[str, str], commit: str, origin: str) -> None:
        """Writes the versions of llama.cpp and ggml, and the commit."""
        text = self._text(f"{_FOLDER}/version.bzl")
        for name, value in [*versions.items(), ("LLAMA_COMMIT", commit)]:
            text = _replace(rf'(?m)(^{name} = ")[^"]*(")', value, text, "version.bzl")
        text = _replace(
            r"(?m)(^# The commit that ).*( carries, abbreviated)", origin, text, "version.bzl"
        )
        self._write(f"{_FOLDER}/version.bzl", text)

    def set_components(self, versions: Mapping[str, str]) -> None:
        """Writes the versions of the works that llama.cpp vendors, and their package URLs."""
        text = self._text(f"{_FOLDER}/components.bzl")
        for name, version in versions.items():
            entry = re.search(rf'(?s)    "{re.escape(name)}": struct\(.*?\n    \),', text)
            if not entry:
                raise BumpError(f"{_FOLDER}/components.bzl has no entry {name}")
            old = _string(entry[0], "version")
            new = re.sub(rf"(@v?|version = \"){re.escape(old)}\"", rf'\g<1>{version}"', entry[0])
            text = text.replace(entry[0], new)
        self._write(f"{_FOLDER}/components.bzl", text)

    def patches(self) -> dict[str, str]:
        """Returns name -> text of the patches, in the order in which they are applied."""
        names = re.findall(
            r'^    "([\w.-]+)",$', self._text(f"{_FOLDER}/patches.bzl"), re.MULTILINE
        )
        return {name: self._text(f"{_FOLDER}/patches/{name}.patch") for name in names}

    def set_patches(self, texts: Mapping[str, str]) -> None:
        """Writes the patches."""
        for name, text in texts.items():
            self._write(f"{_FOLDER}/patches/{name}.patch", text)

    def _text(self, path: str) -> str:
        try:
            return (self.folder / path).read_text(encoding="utf-8")
        except OSError as error:
            raise BumpError(f"{self.folder} is no checkout of this project: {error}") from error

    def _write(self, path: str, text: str) -> None:
        if text != self._text(path):
            (self.folder / path).write_text(text, encoding="utf-8")
            self.changed.append(path)


def _origin(pin: Pin) -> str:
    inside = pin.strip_prefix.partition("/")[2]
    where = f"the `{inside}` directory of " if inside else ""
    kind = "an archive" if "://" in pin.file else f"the {pin.package} sdist"
    return f"Pin of llama.cpp's sources: {where}{kind}."


def _string(text: str, name: str) -> str:
    match = re.search(rf'\b{name} = "([^"]*)"', text)
    if not match:
        raise BumpError(
            f'{_FOLDER} has no {name} = "..."; tools/bump/rewrite.py says how it is written'
        )
    return match[1]


def _replace(pattern: str, value: str, text: str, file: str) -> str:
    """Replaces the text between the two groups of a pattern."""
    result, count = re.subn(pattern, lambda match: match[1] + value + match[2], text, count=1)
    if not count:
        raise BumpError(
            f"{_FOLDER}/{file} has no {pattern}; tools/bump/rewrite.py says how it is written"
        )
    return result
