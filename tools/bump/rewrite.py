"""Rewrites the files of the project that follow from the sources of llama.cpp."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

from .errors import BumpError
from .headers import Header
from .source import Pin

_FOLDER = "third_party/llama.cpp"
_CONSTANT = re.compile(r"^([A-Z][A-Z0-9_]*) = (.+)$", re.MULTILINE)
# A name that marks the module of llama.h's constants, in whichever directory it is.
_MARK = re.compile(r"^LLAMA_TOKEN_NULL = ", re.MULTILINE)


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

    def set_constants(self, old: Header, new: Header) -> list[str]:
        """Writes new values, and new enumerators of enums that the module of constants has.

        Returns:
            The constants that the headers no longer have. They stay, for old callers.
        """
        path = self.constants_module()
        text = self._text(path)
        values = new.values()
        text = _CONSTANT.sub(lambda match: _constant(match, values), text)
        for group in new.enumerators.values():
            text = _add_enumerators(text, list(group), values)
        self._write(path, text)
        present = {match[1] for match in _CONSTANT.finditer(text)}
        return sorted(present & (old.values().keys() - values.keys()))

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

    def constants_module(self) -> str:
        """Returns the path of the module that has llama.h's constants."""
        for path in sorted((self.folder / "llama_cpp").rglob("*.py")):
            if _MARK.search(path.read_text(encoding="utf-8")):
                return str(path.relative_to(self.folder))
        raise BumpError(
            "no module of llama_cpp has llama.h's constants (LLAMA_TOKEN_NULL among them)"
        )

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


def _constant(match: re.Match[str], values: Mapping[str, int]) -> str:
    name, text = match[1], match[2]
    if name not in values or not re.fullmatch(r"-?(0x[0-9A-Fa-f]+|\d+)", text):
        return match[0]
    return match[0] if int(text, 0) == values[name] else f"{name} = {values[name]}"


def _add_enumerators(text: str, names: list[str], values: Mapping[str, int]) -> str:
    """Adds missing enumerators, each behind the one before it, if the module has their enum."""
    present = {match[1] for match in _CONSTANT.finditer(text)}
    if not present & set(names):
        return text
    before = next(name for name in names if name in present)
    for name in names:
        if name not in present and name in values and not name.startswith("_"):
            line = re.search(rf"^{before} = .*$", text, re.MULTILINE)
            assert line
            text = f"{text[: line.end()]}\n{name} = {values[name]}{text[line.end() :]}"
        before = name if re.search(rf"^{name} = ", text, re.MULTILINE) else before
    return text
